import { constants } from 'node:os';
import { basename } from 'node:path';
import { isatty } from 'node:tty';
import { Command } from 'commander';
import { ChildSource } from '../source/child.ts';
import { addMonitorFlags, type MonitorFlags } from './monitor-flags.ts';

/** How long a benchmark that the terminal's Ctrl-C did not reach goes on before we hand the signal on, ms. */
const FORWARD_AFTER_MS = 2_000;

export const command = addMonitorFlags(
  new Command('run')
    .summary('start a benchmark, and follow and profile it')
    .usage('[options] -- COMMAND [ARGS...]')
    .description(
      'Starts a benchmark when the hooks are armed, passes on what it prints, and profiles its server stage by stage. ' +
        "Ends with the benchmark's own exit code when that is not zero.",
    )
    .argument('<command...>', 'the benchmark and its arguments')
    .passThroughOptions(),
)
  .addHelpText(
    'after',
    `
Examples:
  stagewatch run -- bench --host 127.0.0.1
  stagewatch run --watch vec-query --collect-perf --server-port 6379 -- bench -t vec-query
`,
  )
  .action(async (argv: string[], flags: MonitorFlags) => {
    const { follow } = await import('./follow.ts');
    const benchmark = new ChildSource({ argv });
    const summary = await follow(flags, () => ({
      sources: [benchmark],
      label: basename(argv[0]!),
      armFirst: true,
      benchmark: argv,
      onSignal: (signal) => handOn(benchmark, signal),
    }));
    const end = summary.sources[benchmark.id];
    if (end?.state === 'exited' && end.exitCode !== 0) process.exitCode = end.exitCode;
    else if (end?.state === 'killed') process.exitCode = 128 + constants.signals[end.signal];
  });

/** A terminal's Ctrl-C has reached the benchmark already: it is in our process group. Other signals have not. */
function handOn(benchmark: ChildSource, signal: NodeJS.Signals): void {
  const fromTerminal = signal === 'SIGINT' && (isatty(0) || isatty(2));
  if (!fromTerminal) benchmark.kill(signal);
  else setTimeout(() => benchmark.kill(signal), FORWARD_AFTER_MS).unref();
}
