import { InvalidArgumentError, Option, type Command } from 'commander';
import { addBenchFlags, type BenchFlags } from './bench-flags.ts';
import { collect, integer, timeMs } from './flags.ts';

/** How much a search may run. */
export interface BudgetFlags extends BenchFlags {
  readonly repeats?: number;
  readonly maxRuns?: number;
  readonly maxTime?: number;
  readonly resume?: string;
}

export interface SearchFlags extends BudgetFlags {
  readonly targetRecall?: number;
  readonly maxP99Latency?: number;
  readonly searchParam?: string;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly tune?: string[];
}

export interface GridFlags extends BudgetFlags {
  readonly targetRecall?: number;
  readonly maxP99Latency?: number;
  readonly grid?: string[];
  readonly confirmations?: number;
}

const MAX_VALUE = Number.MAX_SAFE_INTEGER;

export function addSearchFlags(command: Command): Command {
  addConstraintFlags(command.optionsGroup('Search:'), 'recall that the answer must have, 0 to 1 (0.95)')
    .addOption(
      new Option('--search-param <name>', 'what is searched: num_clients, ef_search, num_threads or both'),
    )
    .option('--min-value <n>', 'smallest value of the one parameter', integer(1, MAX_VALUE))
    .option('--max-value <n>', 'largest value of it', integer(1, MAX_VALUE))
    .option(
      '--tune <name:min:max[:step]>',
      'a parameter and its range, or a setting of the server: config:io-threads:1:8; repeatable',
      collect,
    )
    .option(
      '--repeats <n>',
      'fresh runs of each of the best, which alone are reported (3)',
      integer(1, 1_000),
    );
  return addBenchFlags(addBudgetFlags(command));
}

export function addGridFlags(command: Command): Command {
  addConstraintFlags(command.optionsGroup('Grid:'), 'recall that the best point must have, 0 to 1')
    .option(
      '--grid <name=v1,v2,...>',
      'a parameter and its values, or a setting of the server: config:io-threads=1,2,4; repeatable',
      collect,
    )
    .option('--repeats <n>', 'runs of each combination, in rounds over all of them (1)', integer(1, 1_000))
    .option('--confirmations <n>', 'fresh runs of each of the best three, 0 for none (3)', integer(0, 1_000));
  return addBenchFlags(addBudgetFlags(command));
}

/** A single run is a search without a question. */
export function addRepeatFlag(command: Command): Command {
  return command
    .optionsGroup('Benchmark:')
    .option('--repeats <n>', 'runs, of which the mean and its interval are shown (1)', integer(1, 1_000));
}

function addConstraintFlags(command: Command, recall: string): Command {
  return command
    .option('--target-recall <recall>', recall, share)
    .option('--max-p99-latency <ms>', 'p99 that it may have, ms', milliseconds);
}

function addBudgetFlags(command: Command): Command {
  return command
    .option('--max-runs <n>', 'runs in all', integer(1, 100_000))
    .option('--max-time <time>', 'time that all runs together may take: 10m', timeMs)
    .option('--resume <session>', 'go on with a search that was cut short; nothing is measured twice');
}

function share(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1))
    throw new InvalidArgumentError(`Expected a number from 0 to 1, got "${value}".`);
  return number;
}

function milliseconds(value: string): number {
  const number = Number(value.replace(/ms$/, ''));
  if (value.trim() === '' || !(number > 0 && Number.isFinite(number)))
    throw new InvalidArgumentError(`Expected a number of milliseconds over 0, got "${value}".`);
  return number;
}
