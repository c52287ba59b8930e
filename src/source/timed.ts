import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../error.ts';
import { isRunning, readStat } from '../restore/stat.ts';
import type { Marker } from '../stage/marker.ts';
import type { Stage } from '../stage/stage.ts';
import type { Source, SourceEnd, SourceSink } from './contract.ts';

export type StageLength =
  | { readonly until: 'time'; readonly forMs: number }
  /** Until that process ends. */
  | { readonly until: 'exit'; readonly pid: number };

export interface TimedOptions {
  readonly stage: Stage;
  readonly length: StageLength;
  /** From start to start, ms; one after the other without. */
  readonly everyMs?: number;
  /** How many stages; 1 by default. */
  readonly count?: number;
}

/** How late the end of a process is noticed at most, ms: a read of one small file. */
const EXIT_POLL_MS = 10;

/** Stages made by hand, for a benchmark that prints no markers: the clock says when they begin and end. */
export class TimedSource implements Source {
  readonly id = 'attach';
  readonly ended: Promise<SourceEnd>;
  readonly #options: TimedOptions;
  readonly #stop = new AbortController();
  #settle: (end: SourceEnd) => void = () => {};

  constructor(options: TimedOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#settle = resolve));
  }

  /** @throws {UsageError} no-such-process. */
  check(): void {
    const { length } = this.#options;
    if (length.until === 'exit' && !readStat(length.pid))
      throw new UsageError(
        'no-such-process',
        `Expected --until-exit to be a running process, got ${length.pid}`,
      );
  }

  start(sink: SourceSink): Promise<void> {
    void this.#run(sink).then((end) => this.#settle(end));
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stop.abort();
    this.#settle({ state: 'stopped' });
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(sink: SourceSink): Promise<SourceEnd> {
    const { stage, everyMs, count = 1 } = this.#options;
    const beganMs = performance.now();
    const tell = (kind: Marker['kind']): void =>
      sink.batch({
        markers: [{ kind, stage, attributes: [] }],
        atNs: process.hrtime.bigint(),
        history: false,
      });
    for (let i = 0; i < count; i++) {
      // From the first start, so that lateness does not add up.
      if (everyMs !== undefined) await this.#sleep(beganMs + i * everyMs - performance.now());
      if (this.#stop.signal.aborted) return { state: 'stopped' };
      tell('start');
      await this.#lasts();
      // Stopped in mid-stage: the tracker closes it as unfinished.
      if (this.#stop.signal.aborted) return { state: 'stopped' };
      tell('end');
    }
    return { state: 'eof' };
  }

  async #lasts(): Promise<void> {
    const { length } = this.#options;
    if (length.until === 'time') return await this.#sleep(length.forMs);
    const first = readStat(length.pid);
    // A zombie has ended, and a PID with another start time is another process.
    for (
      let now = first;
      isRunning(now) && now.startTicks === first?.startTicks;
      now = readStat(length.pid)
    ) {
      if (this.#stop.signal.aborted) return;
      await this.#sleep(EXIT_POLL_MS);
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => 'stopped');
  }
}
