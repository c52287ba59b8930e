#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { BenchmarkError, BinaryNotFoundError } from '../bench/error.ts';
import { MissingError, StagewatchError, UsageError } from '../error.ts';
import { EXIT } from './exit-code.ts';
import { writeResult } from './output.ts';
import { printable } from './text.ts';
import { version } from './version.ts';

interface CommandEntry {
  /** Where `--help` lists it. */
  readonly group: 'Follow' | 'Search' | 'Look and compare' | 'What it needs';
  readonly summary: string;
  readonly load: () => Promise<{ command: Command }>;
}

/** Only the command that runs is loaded. */
const commands: Readonly<Record<string, CommandEntry>> = {
  monitor: {
    group: 'Follow',
    summary: 'follow a benchmark and profile its server, stage by stage',
    load: () => import('./monitor.ts'),
  },
  run: {
    group: 'Follow',
    summary: 'start a benchmark, and follow and profile it',
    load: () => import('./run.ts'),
  },
  attach: {
    group: 'Follow',
    summary: 'profile a server now: a stage made by hand',
    load: () => import('./attach.ts'),
  },
  stages: {
    group: 'Follow',
    summary: 'show the stages of a finished log',
    load: () => import('./stages.ts'),
  },
  'max-qps-recall': {
    group: 'Search',
    summary: 'find the highest QPS at a recall and p99, and its limit',
    load: () => import('./max-qps-recall.ts'),
  },
  'run-queries': {
    group: 'Search',
    summary: 'the same for a dataset and a host: all else is found out',
    load: () => import('./run-queries.ts'),
  },
  'grid-search': {
    group: 'Search',
    summary: 'run every combination of some values, and name the best',
    load: () => import('./grid-search.ts'),
  },
  bench: {
    group: 'Search',
    summary: 'run a benchmark as a stage, and profile it',
    load: () => import('./bench.ts'),
  },
  'memory-saturation': {
    group: 'Search',
    summary: 'fill a server up to its maxmemory, and measure on the way',
    load: () => import('./memory-saturation.ts'),
  },
  'payload-impact': {
    group: 'Search',
    summary: 'measure what the size of values or replies costs',
    load: () => import('./payload-impact.ts'),
  },
  report: {
    group: 'Look and compare',
    summary: 'make one page of a session: answer, charts, flame graphs',
    load: () => import('./report.ts'),
  },
  show: {
    group: 'Look and compare',
    summary: 'the same as text: answer, stages, trials, functions',
    load: () => import('./show.ts'),
  },
  compare: {
    group: 'Look and compare',
    summary: 'tell whether a build is slower, in which stage and function',
    load: () => import('./compare.ts'),
  },
  ab: {
    group: 'Look and compare',
    summary: 'compare two live servers, by pairs of runs in turns',
    load: () => import('./ab.ts'),
  },
  flamegraph: {
    group: 'Look and compare',
    summary: 'draw a perf.data, perf script text or folded stacks',
    load: () => import('./flamegraph.ts'),
  },
  export: {
    group: 'Look and compare',
    summary: 'give a session to another tool: pprof, speedscope, CSV, ...',
    load: () => import('./export.ts'),
  },
  collect: {
    group: 'Look and compare',
    summary: 'make the artifacts of a session that was cut short',
    load: () => import('./collect.ts'),
  },
  clean: {
    group: 'Look and compare',
    summary: 'put right what a killed session left behind',
    load: () => import('./clean.ts'),
  },
  doctor: {
    group: 'What it needs',
    summary: 'tell what can be profiled here, and what mends the rest',
    load: () => import('./doctor.ts'),
  },
  load: {
    group: 'What it needs',
    summary: 'drive a server, and measure throughput, latency and recall',
    load: () => import('./load.ts'),
  },
  dataset: {
    group: 'What it needs',
    summary: 'make, import, check and convert vector datasets',
    load: () => import('./dataset.ts'),
  },
  engine: {
    group: 'What it needs',
    summary: 'run the embedded vector server: for demos and tests',
    load: () => import('./engine.ts'),
  },
  hooks: {
    group: 'What it needs',
    summary: 'list what can be run during stages',
    load: () => import('./hooks.ts'),
  },
  profiles: {
    group: 'What it needs',
    summary: 'list the presets, or check a profile',
    load: () => import('./profiles.ts'),
  },
};

const EXAMPLES = `
Examples:
  pipe    bench 2>&1 | stagewatch monitor --watch vec-query --collect-perf
  tail    stagewatch monitor --collect-perf bench.log
  attach  stagewatch run --collect-perf -- bench --host 127.0.0.1
  search  stagewatch max-qps-recall --dataset c10k --target-recall 0.95 --max-p99-latency 10
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
    program.addCommand(
      command.copyInheritedSettings(program).helpOption('--help', 'show help').helpGroup(`${entry.group}:`),
    );
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
