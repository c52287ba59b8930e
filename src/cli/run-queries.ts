import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import { findDriver } from '../bench/drivers/find.ts';
import { BenchmarkError } from '../bench/error.ts';
import { UsageError } from '../error.ts';
import { isLoopback } from '../experiment/permission.ts';
import { findOutQueries, loadingConfig, type QueryFacts } from '../experiment/query-facts.ts';
import { formatEnd, formatStart } from '../stage/emitter.ts';
import { toBaseConfig } from './bench-options.ts';
import { codeOfSignal } from './exit-code.ts';
import { planOf } from './max-qps-recall.ts';
import { writeResult } from './output.ts';
import { addSearchFlags, type SearchFlags } from './search-flags.ts';
import { runSearch } from './search-run.ts';
import { listenForEnd } from './signals.ts';
import { printable } from './text.ts';
import { shellLine } from './words.ts';

interface RunQueriesFlags extends SearchFlags {
  readonly load?: true;
}

/** More threads than that send faster than any one server answers. */
const MAX_THREADS = 8;

const EXAMPLES = `
Examples:
  stagewatch run-queries --host 127.0.0.1 --dataset c10k
  stagewatch run-queries --host 127.0.0.1 --dataset c10k --load
  stagewatch run-queries --host db1 --dataset cohere-medium-1m --target-recall 0.98 --max-p99-latency 20

What is found out: the dataset's file and shape, the index and its key prefix, whether the server is a cluster and knows
FT.* or vector sets, and how many threads to use. Every flag that says one of these things is taken as it is.

Exit codes: 0 found; 1 no point holds the limits; 2 wrong use; 3 found, but a hook failed; 4 the benchmark failed, or
there is no index; 5 its program is not there; 6 undecided; 130 interrupted.
`;

export const command = addSearchFlags(
  new Command('run-queries')
    .summary('find the highest QPS of a dataset on a server, all else found out')
    .description(
      'Finds the highest QPS that a server answers the queries of a dataset with, at a recall of 0.95 or what is asked for. ' +
        'The host and the dataset are all that it needs to be told; it ends with the command that reproduces the answer.',
    )
    .optionsGroup('Queries:')
    .option('--load', 'load the dataset first, where the server has no index of it'),
)
  .addHelpText('after', EXAMPLES)
  .action(async (flags: RunQueriesFlags, command: Command) => {
    // A session that is resumed has it all.
    if (flags.resume === undefined && !(await settle(flags, command))) return;
    await runSearch<RunQueriesFlags>(command, planOf);
  });

/** Makes flags of all that was found out. @returns false when a signal ended it. */
async function settle(flags: RunQueriesFlags, command: Command): Promise<boolean> {
  for (const name of ['host', 'dataset'] as const)
    if (flags[name] === undefined)
      throw new UsageError('missing-flag', `Expected --${name}: all else is found out.`);
  if ((flags.operation ?? 'vec-query') !== 'vec-query')
    throw new UsageError(
      'bad-operation',
      `Expected no --operation but vec-query, got "${flags.operation}": stagewatch max-qps-recall does the others.`,
    );
  const config = await toBaseConfig(flags, process.env);
  const found = await findOutQueries(config, flags.k);
  const facts = found.index.state === 'ready' ? found : await loaded(flags, config, found);
  if (facts === undefined) return false;

  const given = (name: keyof RunQueriesFlags, value: unknown): void => {
    if (flags[name] === undefined) command.setOptionValueWithSource(name, value, 'cli');
  };
  given('k', facts.k);
  given('searchIndex', facts.index.name);
  given('searchPrefix', facts.index.prefix);
  given('numThreads', await threadsFor(config));
  if (facts.isCluster) given('cluster', true);
  // valkey-bench-rs speaks FT.* only.
  if (facts.dialect === 'vector-set' && flags.binary === undefined) given('driver', 'builtin');
  tell(flags, factsText(config, facts, command.opts<RunQueriesFlags>().numThreads ?? 1));
  return true;
}

/**
 * Loads where that was asked for, and looks again.
 * @throws {BenchmarkError} missing-index, empty-index, with the command that loads it; those of the load.
 */
async function loaded(
  flags: RunQueriesFlags,
  config: BenchmarkConfig,
  facts: QueryFacts,
): Promise<QueryFacts | undefined> {
  const { dataset, index, k } = facts;
  const load = loadingConfig(config, facts);
  const { driver } = await findDriver({ operation: load.operation, driver: 'builtin' });
  const where = `${config.host}:${config.port}`;
  const what =
    index.state === 'missing'
      ? `There is no index "${index.name}" on ${where}.`
      : `${index.name} on ${where} holds no vectors: recall would be 0.`;
  if (!flags.load || flags.dryRun)
    throw new BenchmarkError(
      `${index.state}-index`,
      `${what} Load ${dataset.name} with: ${shellLine(driver.commandLine(load))}${flags.dryRun ? '' : ' (or let --load do that)'}`,
    );
  tell(flags, `${what} Loading ${dataset.count.toLocaleString('en')} vectors of ${dataset.name} into it`);
  using signals = listenForEnd(() => {});
  const stage = { name: 'vec-load' };
  const startedMs = performance.now();
  writeResult(2, `${formatStart(stage)}\n`);
  try {
    await driver.run(load, signals.stop);
  } catch (error) {
    if (signals.received === undefined) throw error;
    process.exitCode = codeOfSignal(signals.received);
    return undefined;
  } finally {
    writeResult(2, `${formatEnd(stage, performance.now() - startedMs)}\n`);
  }
  return await findOutQueries(config, k);
}

/** A generator beside the server on one machine leaves it half of the CPUs. */
async function threadsFor({ host }: BenchmarkConfig): Promise<number> {
  const cpus = availableParallelism();
  const ours = (await isLoopback(host)) ? Math.max(1, Math.floor(cpus / 2)) : cpus;
  return Math.min(ours, MAX_THREADS);
}

function factsText(config: BenchmarkConfig, facts: QueryFacts, threads: number): string {
  const { dataset, index, server, isCluster, dialect, k } = facts;
  const n = (value: number): string => value.toLocaleString('en');
  return [
    'found out',
    `  dataset   ${dataset.path}: ${n(dataset.count)} x ${dataset.dim}, ${dataset.metric}, ${n(dataset.queryCount)} queries, ${dataset.neighbors} true neighbours each`,
    `  server    ${server} at ${config.host}:${config.port}${isCluster ? ', a cluster' : ''}, ${dialect === 'search' ? 'FT.* commands' : 'vector sets, which only the built-in load speaks'}`,
    `  index     ${index.name}, keys ${index.prefix}...`,
    `  queries   recall@${k}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ...index.warnings.map((warning) => `  warning   ${warning}`),
  ]
    .map((line) => printable(line, 400))
    .join('\n');
}

function tell(flags: RunQueriesFlags, message: string): void {
  if (!flags.quiet && flags.events !== true) writeResult(2, `stagewatch: ${message}\n`);
}
