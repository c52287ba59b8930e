import { UsageError } from '../error.ts';
import { elementsNeeded } from './operations.ts';
import { ControlLink } from './control-link.ts';
import { gatherCrew, type Member } from './crew.ts';
import { LoadError } from './error.ts';
import { mergeReports } from './merge.ts';
import { DEFAULTS, addressText, type LoadLength, type LoadOptions } from './options.ts';
import { measureBaseRtt, readNodes, readServer, spreadClients, type ServerFacts } from './preflight.ts';
import { mergeRecall } from './recall.ts';
import { makeData } from './request-template.ts';
import type { BaseRtt, LoadResult, LoadWarning } from './result.ts';
import {
  monotonicMs,
  type NodePlan,
  type ThreadPlan,
  type ThreadReport,
  type WorkPlan,
} from './thread-plan.ts';
import { waitUntilReady } from './vector-index.ts';
import { setUpVectors, type VectorSetup } from './vector-setup.ts';

/** Queries of a vec-query without -n: all of them equally often, and enough for a p99.9. */
const QUERIES = 10_000;
/** Threads in workers hear of the start late: it is set this far ahead, ms. */
const START_IN_MS = 30;

/** What happens during a load, as it happens. */
export type LoadEvent =
  | { readonly type: 'warming-up'; readonly name: string }
  /** The next thing is the first measured request. */
  | { readonly type: 'started'; readonly name: string }
  | {
      readonly type: 'progress';
      readonly name: string;
      readonly replies: number;
      readonly errors: number;
      readonly elapsedMs: number;
      /** 0 to 1. */
      readonly done: number;
    }
  /** The last reply has come. */
  | { readonly type: 'ended'; readonly name: string; readonly durationMs: number }
  | { readonly type: 'waiting'; readonly name: string; readonly message: string };

/**
 * Runs one load against a server, and measures it. The server is looked at first: whatever would make the figures mean
 * nothing is an error, and there is no result then.
 * @param signal ends the load early: the result says what was measured until then, and is marked partial.
 * @throws {UsageError} for what cannot be asked for. @throws {LoadError} when there is no result that means anything.
 */
export async function runLoad(
  options: LoadOptions,
  signal: AbortSignal = new AbortController().signal,
  onEvent: (event: LoadEvent) => void = () => {},
): Promise<LoadResult> {
  checkOptions(options);
  const control = await ControlLink.open(options.server);
  try {
    const facts = await readServer(control);
    const baseRtt = await measureBaseRtt(control, signal);
    const nodes = options.cluster ? await readNodes(control) : undefined;
    const vectors =
      options.work.kind === 'vectors' ? await setUpVectors(control, options.work, options.seed) : undefined;
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
    const measured = await measure(run, options.length ?? defaultLength(vectors), signal, onEvent);
    const indexReadyMs =
      vectors && (await settleIndex(control, vectors, measured, run.name, signal, onEvent));
    return toResult(options, measured, {
      facts,
      baseRtt,
      warnings: [...(vectors?.warnings ?? []), ...warningsOf(options, facts, measured)],
      ...(indexReadyMs !== undefined && { indexReadyMs }),
    });
  } finally {
    control.close();
  }
}

interface Run {
  readonly options: LoadOptions;
  readonly name: string;
  readonly work: WorkPlan;
  readonly spread: readonly (readonly NodePlan[])[];
}

interface Measured {
  readonly reports: readonly ThreadReport[];
  readonly startedAt: string;
  readonly durationMs: number;
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
  if (cluster && work.kind === 'vectors' && work.operation === 'vec-load') return; // keys are spread by MOVED
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

async function measure(
  { options, name, work, spread }: Run,
  length: LoadLength,
  signal: AbortSignal,
  onEvent: (event: LoadEvent) => void,
): Promise<Measured> {
  const counter = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const requests = 'requests' in length ? length.requests : Infinity;
  const plans = spread.map((nodes, thread): ThreadPlan => ({
    thread,
    threads: spread.length,
    nodes,
    cluster: options.cluster,
    work,
    pipeline: options.pipeline,
    seed: options.seed,
    requests,
    counter,
    timeoutMs: options.timeoutMs,
    ...('durationMs' in length && { durationMs: length.durationMs }),
    ...(options.rps !== undefined && { rps: options.rps }),
  }));
  let startMs = 0;
  const progress = plans.map(() => ({ replies: 0, errors: 0 }));
  const crew = await gatherCrew(plans, (thread, now) => {
    progress[thread] = now;
    const elapsedMs = monotonicMs() - startMs;
    const replies = progress.reduce((sum, part) => sum + part.replies, 0);
    const errors = progress.reduce((sum, part) => sum + part.errors, 0);
    const done = 'durationMs' in length ? elapsedMs / length.durationMs : replies / length.requests;
    onEvent({ type: 'progress', name, replies, errors, elapsedMs, done: Math.min(1, done) });
  });
  const stop = (): void => crew.forEach((member) => member.stop());
  try {
    onEvent({ type: 'started', name });
    startMs = monotonicMs() + (crew.length > 1 ? START_IN_MS : 0);
    const startedAt = new Date(Date.now() + startMs - monotonicMs()).toISOString();
    signal.addEventListener('abort', stop, { once: true });
    const running = Promise.all(crew.map((member: Member) => member.run(startMs)));
    if (signal.aborted) stop();
    const reports = await running;
    const durationMs = Math.max(...reports.map(({ lastReplyMs }) => lastReplyMs)) - startMs;
    onEvent({ type: 'ended', name, durationMs });
    return { reports, startedAt, durationMs };
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all(crew.map((member) => member.close()));
  }
}

/** After writes: how long until the server can answer from them, ms. */
async function settleIndex(
  control: ControlLink,
  { plan, vectorsBefore }: VectorSetup,
  { reports }: Measured,
  name: string,
  signal: AbortSignal,
  onEvent: (event: LoadEvent) => void,
): Promise<number | undefined> {
  if (plan.operation === 'vec-query') return undefined;
  const begunMs = performance.now();
  const failed = reports.some(({ errors, partial }) => errors.length > 0 || partial);
  const written = Math.min(
    plan.dataset.count,
    reports.reduce((sum, { replies }) => sum + replies, 0),
  );
  // Errors mean that fewer vectors came in than were sent: those that did are waited for.
  const wanted = plan.operation === 'vec-delete' || failed ? 0 : Math.max(vectorsBefore, written);
  onEvent({ type: 'waiting', name, message: `${plan.index}: waiting until it is ready` });
  // Deleting the last element deletes a vector set.
  if (plan.operation === 'vec-delete' && plan.dialect === 'vector-set') return 0;
  if (failed && plan.dialect === 'vector-set') return undefined;
  await waitUntilReady(control, plan, wanted, signal);
  return performance.now() - begunMs;
}

function warningsOf({ cluster }: LoadOptions, facts: ServerFacts, { reports }: Measured): LoadWarning[] {
  const redirected = reports.reduce((sum, report) => sum + report.redirected, 0);
  const warnings: LoadWarning[] = [];
  if (facts.isCluster && !cluster && redirected > 0)
    warnings.push({
      code: 'cluster-node',
      message: `this server is a node of a cluster: ${redirected} requests went twice, first to the wrong node. Use --cluster.`,
    });
  return warnings;
}

function toResult(
  options: LoadOptions,
  { reports, startedAt, durationMs }: Measured,
  rest: {
    readonly facts: ServerFacts;
    readonly baseRtt: BaseRtt;
    readonly warnings: readonly LoadWarning[];
    readonly indexReadyMs?: number;
  },
): LoadResult {
  const merged = mergeReports(reports);
  const sum = (of: (report: ThreadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const requests = sum(({ replies }) => replies);
  const errorCount = merged.errors.reduce((total, { count }) => total + count, 0);
  const partial = reports.some((report) => report.partial);
  if (requests === 0)
    throw new LoadError(
      'nothing-measured',
      `${options.work.name} was ended before a reply came: there is no result.`,
    );
  const { facts, baseRtt, warnings, indexReadyMs } = rest;
  return {
    name: options.work.name,
    loop: options.rps === undefined ? 'closed' : 'open',
    server: { address: addressText(options.server), program: facts.program, version: facts.version },
    clients: options.clients,
    threads: options.threads,
    pipeline: options.pipeline,
    startedAt,
    durationMs,
    requests,
    throughput: (requests - errorCount) / (durationMs / 1000),
    operations: merged.operations,
    latency: merged.latency,
    errors: merged.errors,
    errorCount,
    redirected: sum(({ redirected }) => redirected),
    recall: mergeRecall(reports.flatMap(({ work }) => work.recall ?? [])),
    baseRtt,
    series: merged.series,
    open:
      options.rps === undefined
        ? null
        : { rps: options.rps, late: sum(({ late }) => late), unsent: sum(({ unsent }) => unsent) },
    partial,
    warnings,
    ...(indexReadyMs !== undefined && { indexReadyMs }),
    histograms: merged.histograms,
  };
}
