import { type ProfiledProcess, threadPool } from './thread-pool.ts';
import type { ProcessTimes, ThreadTimes } from './thread-times.ts';

/** What was used between two moments. */
export interface CpuUse {
  /** User and system together are the time on a CPU to the nanosecond; the kernel splits it by sampling at its ticks. */
  readonly userMs: number;
  readonly systemMs: number;
  /** Ready to run, but waiting for a CPU. Undefined where the kernel does not tell. */
  readonly runQueueMs?: number;
  /** It waited for something. */
  readonly voluntarySwitches: number;
  /** It was preempted. */
  readonly involuntarySwitches: number;
}

export type ThreadUse = { readonly tid: number; readonly name: string; readonly pool: string } & (
  | (CpuUse & {
      /** `started`: within the span, and counted from there. */
      readonly state: 'lived' | 'started';
    })
  /** It was gone at the end of the span: what it used is known of the process alone. */
  | { readonly state: 'ended' }
);

export interface PoolUse extends CpuUse {
  readonly pool: string;
  /** How many were counted. */
  readonly threads: number;
}

export interface ProcessUse {
  /** Between the two readings. */
  readonly durationMs: number;
  /** Most CPU time first. */
  readonly threads: readonly ThreadUse[];
  readonly pools: readonly PoolUse[];
  /** Used by threads that had gone by the end of the span, in steps of 10 ms. */
  readonly endedThreadsMs: number;
}

/** Of each reading of the process's own time, user and system each are cut to 10 ms. */
const processErrorMs = 40;

/** What each thread and each pool used between two readings. */
export function usedBetween(before: ProcessTimes, after: ProcessTimes, target: ProfiledProcess): ProcessUse {
  const mainComm = (after.threads.get(target.pid) ?? before.threads.get(target.pid))?.name;
  const poolOf = ({ tid, name }: ThreadTimes): string =>
    threadPool({ comm: name, pid: target.pid, tid }, target, mainComm);
  const threads: ThreadUse[] = [];
  for (const thread of after.threads.values()) {
    const { tid, name } = thread;
    const earlier = before.threads.get(tid);
    const isSame = earlier?.startTicks === thread.startTicks;
    threads.push({
      tid,
      name,
      pool: poolOf(thread),
      state: isSame ? 'lived' : 'started',
      ...difference(isSame ? earlier : undefined, thread),
    });
  }
  for (const thread of before.threads.values())
    if (!after.threads.has(thread.tid))
      threads.push({ tid: thread.tid, name: thread.name, pool: poolOf(thread), state: 'ended' });
  threads.sort((a, b) => cpuMsOf(b) - cpuMsOf(a) || a.tid - b.tid);
  return {
    durationMs: Number(after.atNs - before.atNs) / 1e6,
    threads,
    pools: poolsOf(threads),
    endedThreadsMs: restOf(before, after, threads),
  };
}

/** Time on a CPU, ms; 0 of a thread that ended. */
export function cpuMsOf(use: ThreadUse | PoolUse): number {
  return 'userMs' in use ? use.userMs + use.systemMs : 0;
}

function difference(before: ThreadTimes | undefined, after: ThreadTimes): CpuUse {
  const runMs = (after.runNs - (before?.runNs ?? 0)) / 1e6;
  const userTicks = after.userTicks - (before?.userTicks ?? 0);
  const systemTicks = after.systemTicks - (before?.systemTicks ?? 0);
  // In a short span no tick fell: then it is split as its whole life is.
  const userShare =
    userTicks + systemTicks > 0 ? share(userTicks, systemTicks) : share(after.userTicks, after.systemTicks);
  return {
    userMs: runMs * userShare,
    systemMs: runMs * (1 - userShare),
    ...(after.runQueueNs !== undefined && {
      runQueueMs: (after.runQueueNs - (before?.runQueueNs ?? 0)) / 1e6,
    }),
    voluntarySwitches: after.voluntarySwitches - (before?.voluntarySwitches ?? 0),
    involuntarySwitches: after.involuntarySwitches - (before?.involuntarySwitches ?? 0),
  };
}

function share(part: number, rest: number): number {
  return part + rest > 0 ? part / (part + rest) : 0.5;
}

function poolsOf(threads: readonly ThreadUse[]): PoolUse[] {
  const pools = new Map<string, PoolUse>();
  for (const use of threads) {
    if (use.state === 'ended') continue;
    const sum = pools.get(use.pool);
    pools.set(use.pool, {
      pool: use.pool,
      threads: (sum?.threads ?? 0) + 1,
      userMs: (sum?.userMs ?? 0) + use.userMs,
      systemMs: (sum?.systemMs ?? 0) + use.systemMs,
      ...(use.runQueueMs !== undefined && { runQueueMs: (sum?.runQueueMs ?? 0) + use.runQueueMs }),
      voluntarySwitches: (sum?.voluntarySwitches ?? 0) + use.voluntarySwitches,
      involuntarySwitches: (sum?.involuntarySwitches ?? 0) + use.involuntarySwitches,
    });
  }
  return [...pools.values()].sort((a, b) => cpuMsOf(b) - cpuMsOf(a));
}

/** The process's own time counts threads that ended; what is left of it is theirs. */
function restOf(before: ProcessTimes, after: ProcessTimes, threads: readonly ThreadUse[]): number {
  if (before.processCpuMs === undefined || after.processCpuMs === undefined) return 0;
  const restMs =
    after.processCpuMs - before.processCpuMs - threads.reduce((sum, use) => sum + cpuMsOf(use), 0);
  return restMs > processErrorMs ? restMs : 0;
}
