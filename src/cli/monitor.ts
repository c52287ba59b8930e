import { basename } from 'node:path';
import { Command } from 'commander';
import { FileSource } from '../source/file.ts';
import { StdinSource } from '../source/stdin.ts';
import { UsageError } from '../error.ts';
import { timeMs } from './flags.ts';
import { follow, type FollowRequest } from './follow.ts';
import { addMonitorFlags, type MonitorFlags } from './monitor-flags.ts';

interface Flags extends MonitorFlags {
  readonly fromStart?: true;
  readonly idleTimeout?: number;
}

export const command = addMonitorFlags(
  new Command('monitor')
    .summary('follow a benchmark and profile its server, stage by stage')
    .description(
      'Follows a benchmark by the stage markers that it prints, and profiles its server for exactly those stages.\n' +
        'Standard input is passed through to standard output as it is; files are followed from their present end.',
    )
    .argument('[file...]', 'logs to follow; standard input without any')
    .option('--from-start', 'also read what stands in the files already, as history without hooks')
    .option('--idle-timeout <time>', 'end when nothing new came for this long', timeMs),
)
  .addHelpText(
    'after',
    `
Examples:
  pipe    bench 2>&1 | stagewatch monitor --watch vec-query --collect-perf
  tail    stagewatch monitor --collect-perf --server-port 6379 bench.log
  attach  stagewatch run --collect-perf -- bench --host 127.0.0.1
`,
  )
  .action(async (files: string[], flags: Flags) => {
    await follow(flags, () => toRequest(files, flags));
  });

function toRequest(files: readonly string[], flags: Flags): FollowRequest {
  const idle = flags.idleTimeout === undefined ? {} : { idleTimeoutMs: flags.idleTimeout };
  if (new Set(files).size < files.length)
    throw new UsageError('same-file', 'Expected each file once, got one of them twice');
  return {
    sources:
      files.length === 0
        ? [new StdinSource({ passThrough: true, ...idle })]
        : files.map((path) => new FileSource({ path, fromStart: flags.fromStart ?? false, ...idle })),
    label: files.length === 0 ? 'stdin' : basename(files[0]!),
    armFirst: false,
  };
}
