import { type ProfiledProcess, threadPool } from './thread-pool.ts';
import type { ThreadCount } from './stat-text.ts';

export interface Counter {
  readonly event: string;
  /** Null where no counter had its turn: unknown, not 0. */
  readonly value: number | null;
  /** `ms` for clocks, else `count`. */
  readonly unit: string;
  /** Of the time that it should have been on, 0 to 1; below 1 the value is scaled up from that share. */
  readonly share: number;
}

export interface PoolCounters {
  readonly pool: string;
  readonly threads: number;
  readonly counters: readonly Counter[];
  readonly derived: Derived;
}

/** Ratios that performance engineers look at first; only those whose counters are there. */
export interface Derived {
  /** CPUs in use: task-clock over the span. */
  readonly cpus?: number;
  /** Instructions per cycle. */
  readonly ipc?: number;
  readonly ghz?: number;
  /** 0 to 1. */
  readonly cacheMissShare?: number;
  readonly branchMissShare?: number;
  readonly contextSwitchesPerSecond?: number;
  readonly pageFaultsPerSecond?: number;
  /** Of the pipeline's slots, 0 to 1. */
  readonly topdown?: {
    readonly retiring: number;
    readonly badSpeculation: number;
    readonly frontEndBound: number;
    readonly backEndBound: number;
  };
}

/**
 * Sums the counts of threads: of the process, and of its pools. A thread that started after perf was armed counts in
 * the pool of the thread that created it.
 * @param durationMs of the span.
 */
export function summariseCounts(
  counts: readonly ThreadCount[],
  target: ProfiledProcess,
  durationMs: number,
): Omit<PoolCounters, 'pool'> & { readonly pools: PoolCounters[] } {
  const mainComm = counts.find(({ tid }) => tid === target.pid)?.thread;
  const pools = new Map<string, ThreadCount[]>();
  for (const count of counts) {
    const { tid, thread } = count;
    const pool = threadPool({ comm: thread, pid: target.pid, tid }, target, mainComm);
    pools.set(pool, [...(pools.get(pool) ?? []), count]);
  }
  const sum = (of: readonly ThreadCount[]): Omit<PoolCounters, 'pool'> => {
    const counters = countersOf(of);
    return {
      threads: new Set(of.map(({ tid }) => tid)).size,
      counters,
      derived: derive(counters, durationMs),
    };
  };
  return {
    ...sum(counts),
    pools: [...pools].map(([pool, of]) => ({ pool, ...sum(of) })),
  };
}

function countersOf(counts: readonly ThreadCount[]): Counter[] {
  const byEvent = new Map<string, ThreadCount[]>();
  for (const count of counts) {
    if (count.count.state === 'not-supported') continue;
    const ofEvent = byEvent.get(count.event);
    if (ofEvent) ofEvent.push(count);
    else byEvent.set(count.event, [count]);
  }
  return [...byEvent].map(([event, ofEvent]) => {
    let value = 0;
    let runningNs = 0;
    let enabledNs = 0;
    let neverOn = 0;
    for (const { count } of ofEvent) {
      if (count.state === 'never-on') neverOn++;
      if (count.state !== 'counted') continue;
      value += count.value;
      runningNs += count.runningNs;
      enabledNs += count.share > 0 ? count.runningNs / count.share : 0;
    }
    const share = enabledNs > 0 ? runningNs / enabledNs : neverOn > 0 ? 0 : 1;
    const isUnknown = neverOn > 0 && runningNs === 0;
    return {
      event,
      value: isUnknown ? null : value,
      unit: ofEvent[0]?.unit === 'msec' ? 'ms' : (ofEvent[0]?.unit ?? '') || 'count',
      share,
    };
  });
}

function derive(counters: readonly Counter[], durationMs: number): Derived {
  const of = (event: string): number | undefined =>
    counters.find((counter) => counter.event.replace(/:u$/, '') === event)?.value ?? undefined;
  const ratio = (part: number | undefined, whole: number | undefined): number | undefined =>
    part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;
  const perSecond = ratio(1_000, durationMs) ?? 0;
  const taskClockMs = of('task-clock');
  const cyclesPerMs = ratio(of('cycles'), taskClockMs);
  const switches = of('context-switches');
  const faults = of('page-faults');
  const derived = {
    cpus: ratio(taskClockMs, durationMs),
    ipc: ratio(of('instructions'), of('cycles')),
    ghz: cyclesPerMs === undefined ? undefined : cyclesPerMs / 1e6,
    cacheMissShare: ratio(of('cache-misses'), of('cache-references')),
    branchMissShare: ratio(of('branch-misses'), of('branches')),
    contextSwitchesPerSecond: switches === undefined ? undefined : switches * perSecond,
    pageFaultsPerSecond: faults === undefined ? undefined : faults * perSecond,
    topdown: topdownOf(of),
  };
  return Object.fromEntries(Object.entries(derived).filter(([, value]) => value !== undefined)) as Derived;
}

/** Intel's Top-down Microarchitecture Analysis, level 1 (Yasin 2014): four shares that are 1 together. */
function topdownOf(of: (event: string) => number | undefined): Derived['topdown'] {
  const [retiring, badSpeculation, frontEnd, backEnd] = ['retiring', 'bad-spec', 'fe-bound', 'be-bound'].map(
    (name) => of(`topdown-${name}`),
  );
  if (
    retiring === undefined ||
    badSpeculation === undefined ||
    frontEnd === undefined ||
    backEnd === undefined
  )
    return undefined;
  const slots = retiring + badSpeculation + frontEnd + backEnd;
  if (slots === 0) return undefined;
  return {
    retiring: retiring / slots,
    badSpeculation: badSpeculation / slots,
    frontEndBound: frontEnd / slots,
    backEndBound: backEnd / slots,
  };
}
