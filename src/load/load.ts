import { UsageError } from '../error.ts';
import { ControlLink } from './control-link.ts';
import type { LoadEvent } from './events.ts';
import { measure, type Run } from './measure.ts';
import { elementsNeeded } from './operations.ts';
import { DEFAULTS, type LoadLength, type LoadOptions } from './options.ts';
import { measureBaseRtt, readNodes, readServer, spreadClients } from './preflight.ts';
import { makeData } from './request-template.ts';
import type { LoadResult } from './result.ts';
import type { WorkPlan } from './thread-plan.ts';
import { toResult } from './to-result.ts';
import type { VectorSetup } from './vector-setup.ts';

export type { LoadEvent } from './events.ts';

/** Queries of a vec-query without -n: all of them equally often, and enough for a p99.9. */
const QUERIES = 10_000;
/** What a caller does in the course of a load. */
export interface LoadRuntime {
  /**
   * Awaited once, when all clients are connected and warmed up and the next thing is the first measured request. When it
   * rejects there is no load.
   */
  readonly beforeMeasuring?: () => Promise<void>;
}

/**
 * Runs one load against a server, and measures it. The server is looked at first: whatever would make the figures mean
 * nothing is an error, and there is no result then.
 * @param signal ends the load early: the result says what was measured until then, and is marked partial.
 * @throws {UsageError} for what cannot be asked for. @throws {LoadError} when there is no result that means anything; what
 *   `beforeMeasuring` throws.
 */
export async function runLoad(
  options: LoadOptions,
  signal: AbortSignal = new AbortController().signal,
  onEvent: (event: LoadEvent) => void = () => {},
  { beforeMeasuring }: LoadRuntime = {},
): Promise<LoadResult> {
  checkOptions(options);
  const control = await ControlLink.open(options.server, options.timeoutMs);
  try {
    const facts = await readServer(control);
    const baseRtt = await measureBaseRtt(control, signal);
    const nodes = options.cluster ? await readNodes(control) : undefined;
    // Datasets are loaded for those who use one.
    const vectorSetup = options.work.kind === 'vectors' ? await import('./vector-setup.ts') : undefined;
    const vectors =
      options.work.kind === 'vectors'
        ? await vectorSetup?.setUpVectors(control, options.work, options.seed)
        : undefined;
    await fillLists(control, options);
    const run: Run = {
      options,
      name: options.work.name,
      work: workPlan(options, vectors),
      spread: spreadClients(options.server, nodes, options.clients, options.threads),
    };
    if (options.warmupMs !== undefined && !signal.aborted) {
      onEvent({ type: 'warming-up', name: run.name });
      await measure(run, { durationMs: options.warmupMs }, signal, () => {});
    }
    const length = options.length ?? defaultLength(vectors);
    const measured = await measure(run, length, signal, onEvent, beforeMeasuring);
    const indexReadyMs =
      vectors && (await vectorSetup?.settleIndex(control, vectors, measured, run.name, signal, onEvent));
    return toResult(options, measured, {
      facts,
      baseRtt,
      warnings: vectors?.warnings ?? [],
      ...(indexReadyMs !== undefined && { indexReadyMs }),
    });
  } finally {
    control.close();
  }
}

function checkOptions({ clients, threads, rps, work, warmupMs, length, cluster }: LoadOptions): void {
  if (threads > clients)
    throw new UsageError(
      'bad-threads',
      `Expected --threads to be at most the number of clients, ${clients}, got ${threads}.`,
    );
  if (rps !== undefined && !(rps > 0 && Number.isFinite(rps)))
    throw new UsageError('bad-rps', `Expected --rps to be over 0, got ${rps}.`);
  if (length && 'requests' in length && !(length.requests >= 1))
    throw new UsageError('bad-requests', `Expected -n to be 1 or more, got ${length.requests}.`);
  if (work.kind === 'vectors' && work.operation !== 'vec-query' && warmupMs !== undefined)
    throw new UsageError(
      'bad-warmup',
      `Expected no --warmup with ${work.name}: it would do part of the work unmeasured.`,
    );
  if (work.kind === 'commands' && work.commands.length === 0)
    throw new UsageError('no-command', 'Expected at least one command.');
  if (cluster && work.kind === 'commands' && work.commands.some(({ name }) => elementsNeeded(name) > 0))
    throw new UsageError(
      'lrange-cluster',
      'Expected no lrange_N with --cluster: its lists would be spread over 16384 slots, and be empty.',
    );
}

function workPlan({ work, keyspace, dataBytes }: LoadOptions, vectors: VectorSetup | undefined): WorkPlan {
  if (work.kind === 'vectors') return { kind: 'vectors', plan: vectors!.plan };
  return {
    kind: 'commands',
    commands: work.commands,
    dataBytes,
    ...(keyspace !== undefined && { keyspace }),
  };
}

function defaultLength(vectors: VectorSetup | undefined): LoadLength {
  if (vectors === undefined) return { requests: DEFAULTS.requests };
  const { operation, dataset } = vectors.plan;
  if (operation !== 'vec-query') return { requests: dataset.count };
  return { requests: Math.ceil(QUERIES / dataset.queryCount) * dataset.queryCount };
}

/** LRANGE means nothing on a list that is shorter than what is asked for. */
async function fillLists(control: ControlLink, { work, dataBytes, cluster }: LoadOptions): Promise<void> {
  if (work.kind !== 'commands' || cluster) return;
  const needed = Math.max(...work.commands.map(({ name }) => elementsNeeded(name)));
  if (needed === 0) return;
  const missing = needed - Number(await control.demand(['LLEN', 'mylist']));
  const data = makeData(dataBytes);
  for (let i = 0; i < missing; i++) await control.demand(['LPUSH', 'mylist', data]);
}
