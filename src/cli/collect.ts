import { Command } from 'commander';
import { recoverSession } from '../monitor/recover.ts';
import { codeOfFailures, codeOfSignal } from './exit-code.ts';
import { writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';
import { TextView } from './view.ts';

export const command = new Command('collect')
  .summary('make the artifacts of a session that was cut short')
  .description(
    'Makes stacks, flame graphs and reports of the stages that a session captured, but did not collect: after a second ' +
      'Ctrl-C, a crash, or SIGKILL. What a killed perf left is made readable first.',
  )
  .argument('<session>', 'the session folder')
  .option('-v, --verbose', 'everything, and stacks of errors')
  .addHelpText('after', '\nExample:\n  stagewatch collect stage_perf/2026-11-23T04-41-17Z-bench\n')
  .action(async (folder: string, flags: { verbose?: true }) => {
    using view = new TextView(flags.verbose ? 'verbose' : 'normal', false);
    using signals = listenForEnd(() => {});
    const summary = await recoverSession(folder, signals.stop, (event) => view.onEvent(event));
    writeResult(1, `${summary.spans} spans collected, ${summary.artifacts.length} files made in ${folder}\n`);
    process.exitCode = signals.received ? codeOfSignal(signals.received) : codeOfFailures(summary.failures);
  });
