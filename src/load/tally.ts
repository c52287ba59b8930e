import { LatencyCounts } from './latency-counts.ts';
import type { ErrorCount } from './result.ts';
import type { ThreadSecond } from './thread-plan.ts';

const SECOND_MS = 1000;
/** Kinds of errors told apart; the rest is counted as one. A server may put anything into the first word. */
const MAX_KINDS = 50;

/** What came back on one thread: latencies and errors, by second. */
export class Tally {
  replies = 0;
  errors = 0;
  lastReplyMs: number;
  readonly #startMs: number;
  readonly #latencies = new LatencyCounts();
  readonly #seconds: ThreadSecond[] = [];
  readonly #byKind = new Map<string, { count: number; example: string }>();
  #second = 0;
  #secondEndMs: number;
  #errorsBefore = 0;

  /** @param startMs in ms of this thread's performance.now(), as all times here. */
  constructor(startMs: number) {
    this.#startMs = startMs;
    this.lastReplyMs = startMs;
    this.#secondEndMs = startMs + SECOND_MS;
  }

  succeeded(latencyMs: number, count: number, nowMs: number): void {
    if (nowMs >= this.#secondEndMs) this.#turn(nowMs);
    this.#latencies.record(latencyMs, count);
    this.replies += count;
    this.lastReplyMs = nowMs;
  }

  /** An error has no latency that means anything: a refusal is often faster than the work. */
  failed(message: string, nowMs: number): void {
    if (nowMs >= this.#secondEndMs) this.#turn(nowMs);
    this.replies++;
    this.errors++;
    this.lastReplyMs = nowMs;
    const word = /^[A-Z][A-Z0-9_-]{0,31}(?=\s|$)/.exec(message)?.[0] ?? 'ERR';
    const kind = this.#byKind.size < MAX_KINDS || this.#byKind.has(word) ? word : 'OTHER';
    const known = this.#byKind.get(kind);
    if (known) known.count++;
    else this.#byKind.set(kind, { count: 1, example: message });
  }

  /** All seconds; call it once, at the end. */
  finish(): ThreadSecond[] {
    if (this.#latencies.total > 0 || this.errors > this.#errorsBefore) this.#close();
    return this.#seconds;
  }

  errorCounts(): ErrorCount[] {
    return [...this.#byKind].map(([kind, { count, example }]) => ({ kind, count, example }));
  }

  #turn(nowMs: number): void {
    this.#close();
    this.#second = Math.floor((nowMs - this.#startMs) / SECOND_MS);
    this.#secondEndMs = this.#startMs + (this.#second + 1) * SECOND_MS;
  }

  #close(): void {
    this.#seconds.push({
      second: this.#second,
      latencies: this.#latencies.take(),
      errors: this.errors - this.#errorsBefore,
    });
    this.#errorsBefore = this.errors;
  }
}
