import type { StagewatchError } from '../error.ts';
import type { Target } from '../target/contract.ts';
import { ArmedStat } from './stat.ts';

/** For a span that begins as soon as the last one ended, before its successor is armed. */
const keptReady = 2;

/** Keeps `perf stat` processes armed: arming one takes 10-30 ms, which no span should lose. */
export class ReadyStats implements AsyncDisposable {
  readonly #target: Target;
  readonly #events: readonly string[];
  readonly #ready: ArmedStat[] = [];
  readonly #arming = new Set<Promise<void>>();
  #taken = 0;
  #ended = false;
  #report: (error: StagewatchError) => void = () => undefined;
  /** Settles when one that waited ended by itself, or no new one could be armed. */
  readonly failed: Promise<StagewatchError>;

  private constructor(target: Target, events: readonly string[]) {
    this.#target = target;
    this.#events = events;
    this.failed = new Promise((resolve) => (this.#report = resolve));
  }

  /** @throws as ArmedStat.arm. */
  static async arm(target: Target, events: readonly string[]): Promise<ReadyStats> {
    const stats = new ReadyStats(target, events);
    for (let count = 0; count < keptReady; count++) stats.#keep(await ArmedStat.arm(target, events));
    return stats;
  }

  /** One that is armed; give it back to nobody, but end it with `counts()`. @throws as ArmedStat.arm. */
  async take(): Promise<ArmedStat> {
    this.#taken++;
    const stat = this.#ready.shift();
    // Arming takes CPU from what is measured: while a span is open, only the last one is replaced.
    if (this.#ready.length === 0) this.#refill(1);
    return stat ?? ArmedStat.arm(this.#target, this.#events);
  }

  /** A span that took one is over. */
  returned(): void {
    this.#taken--;
    // Later: starting a process holds us up for some ms, and whoever calls is about to tell that capture has ended.
    setImmediate(() => {
      if (this.#taken === 0) this.#refill(keptReady);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#arming);
    await Promise.all(this.#ready.splice(0).map((stat) => stat[Symbol.asyncDispose]()));
  }

  #refill(wanted: number): void {
    while (!this.#ended && this.#ready.length + this.#arming.size < wanted) {
      const arming = ArmedStat.arm(this.#target, this.#events)
        .then((stat) => (this.#ended ? stat[Symbol.asyncDispose]() : this.#keep(stat)))
        .catch((error: StagewatchError) => this.#report(error))
        .finally(() => this.#arming.delete(arming));
      this.#arming.add(arming);
    }
  }

  #keep(stat: ArmedStat): void {
    this.#ready.push(stat);
    void this.#replaceWhenEnded(stat);
  }

  async #replaceWhenEnded(stat: ArmedStat): Promise<void> {
    await stat.ended;
    const at = this.#ready.indexOf(stat);
    if (at < 0 || this.#ended) return;
    this.#ready.splice(at, 1);
    this.#refill(1);
  }
}
