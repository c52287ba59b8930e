import { Command } from 'commander';
import { integer } from './flags.ts';
import { codeOfSignal, EXIT } from './exit-code.ts';
import { type MonitorFlags, toTarget } from './monitor-flags.ts';
import { useColour, writeJson, writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';

interface Flags extends Pick<
  MonitorFlags,
  'serverPid' | 'serverPort' | 'serverName' | 'container' | 'outputDir'
> {
  readonly json?: string | true;
}

export const command = new Command('doctor')
  .summary('tell what can be profiled here, and what mends the rest')
  .description(
    'Looks at perf, rights, limits, the server and the machine, and asks each hook whether it can run. Changes nothing. ' +
      'Exit code 5 when something keeps a built-in hook from running; warnings do not change the code.',
  )
  .option('--server-pid <pid>', 'the server to look at, by PID', integer(1, 4_194_304))
  .option('--server-port <port>', 'by the port that it listens on', integer(1, 65_535))
  .option('--server-name <name>', 'by name (default: valkey-server, redis-server, stagewatch-engine)')
  .option('--container <name>', 'the server in a container of this machine')
  .option('--output-dir <dir>', 'where session folders would be made', './stage_perf')
  .option('--json [file]', 'as JSON, to standard output or a file')
  .addHelpText('after', '\nExamples:\n  stagewatch doctor\n  stagewatch doctor --server-port 6379 --json\n')
  .action(async (flags: Flags) => {
    const query = toTarget(flags);
    const isServerNamed = [flags.serverPid, flags.serverPort, flags.serverName, flags.container].some(
      (flag) => flag !== undefined,
    );
    const { diagnose } = await import('../doctor/diagnose.ts');
    using signals = listenForEnd(() => {});
    try {
      const diagnosis = await diagnose({
        query,
        isServerNamed,
        outputDir: flags.outputDir,
        signal: signals.stop,
      });
      const { reportLines } = await import('./doctor-text.ts');
      if (flags.json === undefined) writeResult(1, `${reportLines(diagnosis, useColour(1)).join('\n')}\n`);
      else writeJson(flags.json, { version: 1, ...diagnosis });
      if (flags.json !== undefined)
        for (const reason of diagnosis.reasons) writeResult(2, `stagewatch: ${reason}\n`);
      process.exitCode = diagnosis.reasons.length > 0 ? EXIT.notInstalled : EXIT.done;
    } catch (error) {
      if (!signals.received) throw error;
      process.exitCode = codeOfSignal(signals.received);
    }
  });
