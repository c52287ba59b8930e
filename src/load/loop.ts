import type { Claims, StridedClaims } from './claims.ts';
import type { LoadClient } from './load-client.ts';
import type { Workload } from './workload.ts';

/** Sent later than this after its time, a request of an open loop counts as late, ms. */
const LATE_MS = 1;
/** Node's timers are late by up to a ms or more: nearer than this to its time a request is waited for without sleep, ms. */
const SPIN_MS = 2;

/** Decides when which client sends. */
export interface Loop {
  /** No request is left to be made. */
  readonly isExhausted: boolean;
  readonly late: number;
  readonly unsent: number;
  begin(clients: readonly LoadClient[], startMs: number): void;
  /** A client has all its replies. */
  free(client: LoadClient, nowMs: number): void;
  /** Makes no more requests. */
  halt(): void;
}

interface LoopOptions {
  readonly workload: Workload;
  readonly pipeline: number;
  /** Infinity without. */
  readonly durationMs: number;
  /** Told when a free client found nothing to do. */
  readonly onIdle: () => void;
}

function send(client: LoadClient, workload: Workload, claims: Claims, count: number, nowMs: number): void {
  const { batch } = client;
  const byteLength = workload.fill(batch, claims.first, claims.stride, count);
  batch.count = count;
  batch.answered = 0;
  batch.open = count;
  batch.sentMs = nowMs;
  client.send(byteLength);
}

/** Each client sends its next batch when it has all replies to the last one. */
export class ClosedLoop implements Loop {
  isExhausted = false;
  readonly late = 0;
  readonly unsent = 0;
  readonly #options: LoopOptions;
  readonly #claims: Claims;
  #endMs = Infinity;

  constructor(options: LoopOptions, claims: Claims) {
    this.#options = options;
    this.#claims = claims;
  }

  begin(clients: readonly LoadClient[], startMs: number): void {
    this.#endMs = startMs + this.#options.durationMs;
    for (const client of clients) this.free(client, startMs);
  }

  free(client: LoadClient, nowMs: number): void {
    const { workload, pipeline, onIdle } = this.#options;
    const count = this.isExhausted || nowMs >= this.#endMs ? 0 : this.#claims.take(pipeline);
    if (count > 0) return send(client, workload, this.#claims, count, nowMs);
    this.isExhausted = true;
    onIdle();
  }

  halt(): void {
    this.isExhausted = true;
  }
}

/**
 * Requests are due at a fixed rate, whatever the server does. A request that finds no free client waits for one, and
 * its latency counts from the time when it was due: a stall of the server is seen by all that were due in it.
 */
export class OpenLoop implements Loop {
  late = 0;
  unsent = 0;
  readonly #options: LoopOptions;
  readonly #claims: StridedClaims;
  readonly #msPerRequest: number;
  #free: LoadClient[] = [];
  /** Where the longest-free client stands: all clients take turns, as independent ones would. */
  #head = 0;
  #startMs = 0;
  #sleep: NodeJS.Timeout | undefined;
  #spin: NodeJS.Immediate | undefined;
  #isHalted = false;

  /** @param rps of all threads: `claims` picks this thread's requests. */
  constructor(options: LoopOptions, claims: StridedClaims, rps: number) {
    this.#options = options;
    this.#claims = claims;
    this.#msPerRequest = 1000 / rps;
  }

  get isExhausted(): boolean {
    return this.#isHalted || this.#claims.next >= this.#claims.total;
  }

  begin(clients: readonly LoadClient[], startMs: number): void {
    this.#startMs = startMs;
    this.#free = [...clients];
    this.#dispatch();
  }

  free(client: LoadClient): void {
    this.#free.push(client);
    this.#dispatch();
  }

  halt(): void {
    if (this.#isHalted) return;
    // What was due by now, or within the asked time, and was not sent is part of the result.
    const untilMs = Math.min(performance.now() - this.#startMs, this.#options.durationMs);
    const { next, total, stride } = this.#claims;
    const due = Math.min(total, Math.ceil(untilMs / this.#msPerRequest));
    this.unsent += Math.max(0, Math.ceil((due - next) / stride));
    this.#isHalted = true;
    clearTimeout(this.#sleep);
    clearImmediate(this.#spin);
  }

  #dispatch(): void {
    const { workload, pipeline, durationMs, onIdle } = this.#options;
    const claims = this.#claims;
    let nowMs = performance.now();
    while (!this.isExhausted && this.#head < this.#free.length) {
      if (this.#startMs + claims.next * this.#msPerRequest > nowMs) break;
      if (nowMs - this.#startMs > durationMs + LATE_MS) {
        this.halt();
        break;
      }
      const client = this.#free[this.#head++]!;
      // Only what is due by now goes in one batch.
      const dueBy = Math.floor((nowMs - this.#startMs) / this.#msPerRequest);
      const isDue = Math.floor((dueBy - claims.next) / claims.stride) + 1;
      const count = claims.take(Math.max(1, Math.min(pipeline, isDue)));
      for (let i = 0; i < count; i++) {
        const dueMs = this.#startMs + (claims.first + i * claims.stride) * this.#msPerRequest;
        client.batch.dueMs[i] = dueMs;
        if (nowMs - dueMs > LATE_MS) this.late++;
      }
      send(client, workload, claims, count, nowMs);
      nowMs = performance.now();
    }
    if (this.#head > 1024) {
      this.#free = this.#free.slice(this.#head);
      this.#head = 0;
    }
    if (this.isExhausted) onIdle();
    else if (this.#head < this.#free.length) this.#waitForNext(nowMs);
  }

  #waitForNext(nowMs: number): void {
    const waitMs = this.#startMs + this.#claims.next * this.#msPerRequest - nowMs;
    if (waitMs > SPIN_MS) {
      this.#sleep ??= setTimeout(() => {
        this.#sleep = undefined;
        this.#dispatch();
      }, waitMs - SPIN_MS);
    } else
      this.#spin ??= setImmediate(() => {
        this.#spin = undefined;
        this.#dispatch();
      });
  }
}
