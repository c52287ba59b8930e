#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { BenchmarkError, BinaryNotFoundError } from '../bench/error.ts';
import { MissingError, StagewatchError, UsageError } from '../error.ts';
import { EXIT } from './exit-code.ts';
import { writeResult } from './output.ts';
import { printable } from './text.ts';
import { version } from './version.ts';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<{ command: Command }>;
}

/** Only the command that runs is loaded. */
const commands: Readonly<Record<string, CommandEntry>> = {
  monitor: {
    summary: 'follow a benchmark and profile its server, stage by stage',
    load: () => import('./monitor.ts'),
  },
  run: {
    summary: 'start a benchmark, and follow and profile it',
    load: () => import('./run.ts'),
  },
  attach: {
    summary: 'profile a server now: a stage made by hand',
    load: () => import('./attach.ts'),
  },
  stages: {
    summary: 'show the stages of a finished log',
    load: () => import('./stages.ts'),
  },
  show: {
    summary: 'show a session in the terminal: answer, stages, trials, functions',
    load: () => import('./show.ts'),
  },
  report: {
    summary: 'make one page of a session: answer, charts, flame graphs, comparisons',
    load: () => import('./report.ts'),
  },
  flamegraph: {
    summary: 'draw a perf.data, perf script text or folded stacks',
    load: () => import('./flamegraph.ts'),
  },
  export: {
    summary: 'give a session to another tool: speedscope, pprof, Perfetto, CSV, ...',
    load: () => import('./export.ts'),
  },
  collect: {
    summary: 'make the artifacts of a session that was cut short',
    load: () => import('./collect.ts'),
  },
  clean: {
    summary: 'put right what a killed session left: processes, settings, files',
    load: () => import('./clean.ts'),
  },
  engine: {
    summary: 'run the embedded vector server: for demos, tests and learning',
    load: () => import('./engine.ts'),
  },
  doctor: {
    summary: 'tell what can be profiled here, and what mends the rest',
    load: () => import('./doctor.ts'),
  },
  hooks: {
    summary: 'list what can be run during stages',
    load: () => import('./hooks.ts'),
  },
  profiles: {
    summary: 'list the presets, or check a profile',
    load: () => import('./profiles.ts'),
  },
  load: {
    summary: 'drive a server, and measure throughput, latency and recall',
    load: () => import('./load.ts'),
  },
  bench: {
    summary: 'run a benchmark as a stage, and profile it',
    load: () => import('./bench.ts'),
  },
  'max-qps-recall': {
    summary: 'find the highest QPS at a recall and p99, and what limits it',
    load: () => import('./max-qps-recall.ts'),
  },
  'run-queries': {
    summary: 'the same for a dataset and a host: all else is found out',
    load: () => import('./run-queries.ts'),
  },
  'grid-search': {
    summary: 'run every combination of some values, and name the best',
    load: () => import('./grid-search.ts'),
  },
  'memory-saturation': {
    summary: 'fill a server up to its maxmemory, and measure on the way',
    load: () => import('./memory-saturation.ts'),
  },
  'payload-impact': {
    summary: 'measure what the size of values, or replies with content, costs',
    load: () => import('./payload-impact.ts'),
  },
  compare: {
    summary: 'tell whether a build is slower, in which stage and function',
    load: () => import('./compare.ts'),
  },
  ab: {
    summary: 'compare two live servers, by pairs of runs in turns',
    load: () => import('./ab.ts'),
  },
  dataset: {
    summary: 'make, import, check and convert vector datasets',
    load: () => import('./dataset.ts'),
  },
};

const EXAMPLES = `
Examples:
  pipe    bench 2>&1 | stagewatch monitor --watch vec-query --collect-perf
  tail    stagewatch monitor --collect-perf bench.log
  attach  stagewatch run --collect-perf -- bench --host 127.0.0.1
`;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('stagewatch')
    .description('Profiles a Valkey or Redis server for exactly the stages of a benchmark.')
    .version(version, '--version')
    .helpOption('--help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => writeResult(1, text),
      writeErr: (text) => writeResult(2, text),
      outputError: (text, write) => write(`stagewatch: ${text.replace(/^error: /, '')}`),
    })
    .exitOverride();
  const words = argv.filter((word) => !word.startsWith('-'));
  const wanted = words[0] === 'help' ? words[1] : words[0];
  for (const [name, entry] of Object.entries(commands)) {
    const command =
      name === wanted ? (await entry.load()).command : new Command(name).description(entry.summary);
    program.addCommand(command.copyInheritedSettings(program).helpOption('--help', 'show help'));
    for (const nested of command.commands) nested.copyInheritedSettings(program);
  }
  if (argv.length === 0) program.help({ error: true });
  await program.parseAsync(argv, { from: 'user' });
}

/** One line for a user's slip; the stack only where it was asked for, or where the fault is ours. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const verbose = process.argv.includes('-v') || process.argv.includes('--verbose');
  const known = error instanceof StagewatchError;
  const text = error instanceof Error ? (known && !verbose ? error.message : error.stack) : String(error);
  writeResult(2, `stagewatch: ${text}\n`);
  if (error instanceof BenchmarkError)
    for (const line of error.lastLines) writeResult(2, `  | ${printable(line, 300)}\n`);
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof MissingError || error instanceof BinaryNotFoundError) return EXIT.notInstalled;
  return error instanceof BenchmarkError ? EXIT.benchmarkFailed : EXIT.incomplete;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}
