import type { DelaySummary, SessionEvent } from '../session/events.ts';
import { percentile } from '../stats/percentile.ts';

/** Delays beyond this many of one kind are thinned out evenly: the memory of a monitor that runs for weeks is flat. */
const KEEP = 20_000;

/** Collects the delays of hooks, from marker to capture. */
export class DelayStats {
  readonly #values: number[] = [];
  #seen = 0;
  #every = 1;
  #maxMs = 0;

  add(delayMs: number): void {
    if (delayMs > this.#maxMs) this.#maxMs = delayMs;
    if (this.#seen++ % this.#every !== 0) return;
    this.#values.push(delayMs);
    if (this.#values.length < KEEP) return;
    for (let i = 0; i < KEEP / 2; i++) this.#values[i] = this.#values[2 * i]!;
    this.#values.length = KEEP / 2;
    this.#every *= 2;
  }

  /** Of all delays so far; undefined without any. */
  summary(): DelaySummary | undefined {
    if (this.#seen === 0) return undefined;
    const sorted = this.#values.toSorted((a, b) => a - b);
    return {
      count: this.#seen,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      maxMs: this.#maxMs,
    };
  }
}

/** The delays of all hooks, at starts and at stops. */
export class HookDelays {
  readonly #stats = { started: new Map<string, DelayStats>(), stopped: new Map<string, DelayStats>() };

  see(event: SessionEvent): void {
    if (event.type !== 'hook' || (event.state !== 'started' && event.state !== 'stopped')) return;
    const stats = this.#stats[event.state];
    let ofHook = stats.get(event.hook);
    if (!ofHook) stats.set(event.hook, (ofHook = new DelayStats()));
    ofHook.add(event.delayMs);
  }

  /** By hook. */
  summaries(edge: 'started' | 'stopped'): Readonly<Record<string, DelaySummary>> {
    return Object.fromEntries([...this.#stats[edge]].map(([hook, stats]) => [hook, stats.summary()!]));
  }
}
