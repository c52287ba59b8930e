import { basename } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../error.ts';
import { makeOutputDir } from '../session/session.ts';
import { StdinSource } from '../source/stdin.ts';
import { timeMs } from './flags.ts';
import { addMonitorFlags, mayNameWrongHooks, toTarget, type MonitorFlags } from './monitor-flags.ts';

interface Flags extends MonitorFlags {
  readonly fromStart?: true;
  readonly idleTimeout?: number;
}

export const command = addMonitorFlags(
  new Command('monitor')
    .summary('follow a benchmark and profile its server, stage by stage')
    .description(
      'Follows a benchmark by the stage markers that it prints, and profiles its server for exactly those stages. ' +
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
    if (files.length > 0) await followFiles(files, flags);
    else await followStdin(flags);
  });

/** Bytes go through as soon as nothing can be wrong use any more: loading the rest takes longer than 100 MB of them. */
async function followStdin(flags: Flags): Promise<void> {
  const source = new StdinSource({ passThrough: true, ...idleTimeout(flags) });
  source.prepare();
  try {
    toTarget(flags);
    await makeOutputDir(flags.outputDir);
    if (!mayNameWrongHooks(flags)) source.begin();
    const { follow } = await import('./follow.ts');
    await follow(flags, () => {
      source.begin();
      return { sources: [source], label: 'stdin', armFirst: false };
    });
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

async function followFiles(files: readonly string[], flags: Flags): Promise<void> {
  if (new Set(files).size < files.length)
    throw new UsageError('same-file', 'Expected each file once, got one of them twice');
  const { FileSource } = await import('../source/file.ts');
  const { follow } = await import('./follow.ts');
  await follow(flags, () => ({
    sources: files.map(
      (path) => new FileSource({ path, fromStart: flags.fromStart ?? false, ...idleTimeout(flags) }),
    ),
    label: basename(files[0]!),
    armFirst: false,
  }));
}

function idleTimeout({ idleTimeout }: Flags): { idleTimeoutMs?: number } {
  return idleTimeout === undefined ? {} : { idleTimeoutMs: idleTimeout };
}
