/**
 * What `perf stat --per-thread -x ';'` prints: one line for each thread and event. Not `-j`, which perf has only since
 * 6.0 and which does not escape the names of threads.
 */
export interface ThreadCount {
  readonly thread: string;
  readonly tid: number;
  readonly event: string;
  /** `msec` for clocks, else empty. */
  readonly unit: string;
  readonly count: Count;
}

export type Count =
  | {
      readonly state: 'counted';
      readonly value: number;
      /** The counter was on for that long, ns; where counters are shared in turns, `value` is scaled up from it. */
      readonly runningNs: number;
      /** Of the time that it should have been on, 0 to 1. */
      readonly share: number;
    }
  /** The thread did not run. */
  | { readonly state: 'idle' }
  /** The thread ran, but the counter never had its turn. */
  | { readonly state: 'never-on' }
  | { readonly state: 'not-supported' };

/** NAME-TID;VALUE;UNIT;EVENT;RUNNING;PERCENT;...: read from its end, since a name may hold anything. */
const linePattern = /^(.*)-(\d+);([^;]*);([^;]*);([^;]*);(\d+);([\d.]+)(?:;|$)/;

/** Lines that are no counts are passed over: perf prints warnings and metrics among them. */
export function parseThreadCounts(text: string): ThreadCount[] {
  return text.split('\n').flatMap((line) => {
    const [, thread = '', tid, value = '', unit = '', event = '', runningNs, percent] =
      linePattern.exec(line) ?? [];
    if (tid === undefined) return [];
    const count = countOf(value, Number(runningNs), Number(percent) / 100);
    return count === undefined ? [] : [{ thread, tid: Number(tid), event, unit, count }];
  });
}

function countOf(value: string, runningNs: number, share: number): Count | undefined {
  if (value === '<not supported>') return { state: 'not-supported' };
  // Nothing was wanted of a counter whose thread slept: then perf says 100 %.
  if (value === '<not counted>') return { state: share > 0 ? 'idle' : 'never-on' };
  return /^[\d.]+$/.test(value) ? { state: 'counted', value: Number(value), runningNs, share } : undefined;
}
