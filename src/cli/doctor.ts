import { writeFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command } from 'commander';
import { UsageError, messageOf } from '../error.ts';
import { integer } from './flags.ts';
import { codeOfSignal, EXIT } from './exit-code.ts';
import { type MonitorFlags, toTarget } from './monitor-flags.ts';
import { writeResult } from './output.ts';
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
    'Looks at perf, rights, limits, the server and the machine, and asks each hook whether it can run. Changes nothing.\n' +
      'Exit code 5 when something keeps a built-in hook from running; warnings do not change the code.',
  )
  .option('--server-pid <pid>', 'the server to look at, by PID', integer(1, 4_194_304))
  .option('--server-port <port>', 'by the port that it listens on', integer(1, 65_535))
  .option('--server-name <name>', 'by name (default: valkey-server, redis-server)')
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
      if (flags.json === undefined) writeResult(1, `${reportLines(diagnosis, useColour()).join('\n')}\n`);
      else writeJson(flags.json, `${JSON.stringify({ version: 1, ...diagnosis }, undefined, 2)}\n`);
      if (flags.json !== undefined)
        for (const reason of diagnosis.reasons) writeResult(2, `stagewatch: ${reason}\n`);
      process.exitCode = diagnosis.reasons.length > 0 ? EXIT.notInstalled : EXIT.done;
    } catch (error) {
      if (!signals.received) throw error;
      process.exitCode = codeOfSignal(signals.received);
    }
  });

function writeJson(file: string | true, text: string): void {
  if (file === true) return writeResult(1, text);
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new UsageError(
      'json-file',
      `Expected --json to be a file that can be written, got "${file}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Through isatty: to touch process.stdout would make it non-blocking for all who share it. */
function useColour(): boolean {
  return process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb' && isatty(1);
}
