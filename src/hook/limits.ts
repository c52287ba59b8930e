import { setTimeout as sleep } from 'node:timers/promises';
import { StagewatchError } from '../error.ts';

/** What a hook may take before it counts as failed, ms. */
export const ARM_LIMIT_MS = 10_000;
export const EDGE_LIMIT_MS = 2_000;
/** Without a child of its own at work and without a watched span that holds it up. */
export const COLLECT_LIMIT_MS = 60_000;

/** @throws {StagewatchError} hook-timeout, when `work` has not settled within `limitMs`. */
export async function within<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal, ref: true }).then(
    () => {
      throw new StagewatchError('hook-timeout', `${what} took longer than ${limitMs / 1000} s`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/**
 * As within, but the time counts only while nothing is busy for it.
 * @param busy looked at once a second.
 */
export async function withinIdle<T>(
  work: Promise<T>,
  busy: () => boolean,
  limitMs: number,
  what: string,
): Promise<T> {
  const state = { settled: false };
  const settled = work.then(
    () => (state.settled = true),
    () => (state.settled = true),
  );
  while (!state.settled && busy()) await Promise.race([settled, sleep(1_000)]);
  return await within(work, limitMs, what);
}
