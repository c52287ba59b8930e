import { gatherCrew, type Member } from './crew.ts';
import { LoadError } from './error.ts';
import type { LoadEvent } from './events.ts';
import type { LoadLength, LoadOptions } from './options.ts';
import {
  monotonicMs,
  type NodePlan,
  type ThreadPlan,
  type ThreadReport,
  type WorkPlan,
} from './thread-plan.ts';

/**
 * Threads in workers hear of the start late: it is set this far ahead, ms. The last of four heard within 2 ms in 95 of 100
 * times, and within 6 ms always, on two cores that eight others kept busy.
 */
const START_IN_MS = 10;

export interface Run {
  readonly options: LoadOptions;
  readonly name: string;
  readonly work: WorkPlan;
  readonly spread: readonly (readonly NodePlan[])[];
}

export interface Measured {
  readonly reports: readonly ThreadReport[];
  readonly startedAt: string;
  readonly durationMs: number;
}

/**
 * Connects all clients, runs them to their end, and says when it began and ended.
 * @param hold awaited between the two; the load then begins at once.
 * @throws {LoadError} @throws what `hold` throws.
 */
export async function measure(
  { options, name, work, spread }: Run,
  length: LoadLength,
  signal: AbortSignal,
  onEvent: (event: LoadEvent) => void,
  hold?: () => Promise<void>,
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
    if (hold !== undefined) await held(hold, name, signal);
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

/** @throws {LoadError} nothing-measured, when the signal comes first: a load that never began has no window. */
async function held(hold: () => Promise<void>, name: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw nothingMeasured(name);
  const over = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
  });
  try {
    await Promise.race([aborted, hold()]);
  } finally {
    over.abort();
  }
  if (signal.aborted) throw nothingMeasured(name);
}

/** What a load that was ended too early throws. */
export function nothingMeasured(name: string): LoadError {
  return new LoadError('nothing-measured', `${name} was ended before a reply came: there is no result.`);
}
