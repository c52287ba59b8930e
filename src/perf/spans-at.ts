/** When a span was open: CLOCK_MONOTONIC. */
export interface SpanTime {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

interface Placed<T> {
  readonly start: number;
  readonly end: number;
  readonly span: T;
}

const nsPerSecond = 1_000_000_000;

/**
 * Which spans contain a moment. Asked in order of time, as perf prints its samples, it walks the spans once: their
 * number and their nesting cost nothing a sample. Moments are numbers on an axis that starts near the first span,
 * since nanoseconds since boot leave a double's exact range after 104 days.
 */
export class SpansAt<T extends { readonly id: number }> {
  readonly #originSeconds: number;
  readonly #placed: Placed<T>[];
  readonly #byId: Map<number, Placed<T>>;
  #open: Placed<T>[] = [];
  #spans: T[] = [];
  #next = 0;
  #nextChange = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /** @param values one for each time, in that order. */
  constructor(times: readonly SpanTime[], values: readonly T[]) {
    const origin = times.reduce(
      (least, { startNs }) => (startNs < least ? startNs : least),
      times[0]?.startNs ?? 0n,
    );
    this.#originSeconds = Number(origin / BigInt(nsPerSecond));
    const onAxis = (ns: bigint): number => Number(ns - BigInt(this.#originSeconds) * BigInt(nsPerSecond));
    this.#placed = times
      .map(({ startNs, endNs }, index) => ({
        start: onAxis(startNs),
        end: onAxis(endNs),
        span: values[index] as T,
      }))
      .sort((a, b) => a.start - b.start);
    this.#byId = new Map(this.#placed.map((placed) => [placed.span.id, placed]));
  }

  axis(seconds: number, nanoseconds: number): number {
    return (seconds - this.#originSeconds) * nsPerSecond + nanoseconds;
  }

  afterStart(id: number, time: number): number {
    return time - (this.#byId.get(id)?.start ?? time);
  }

  beforeEnd(id: number, time: number): number {
    return (this.#byId.get(id)?.end ?? time) - time;
  }

  /** The spans with start <= time <= end. The same array until that changes. */
  spansAt(time: number): readonly T[] {
    if (time < this.#last) this.#restart();
    this.#last = time;
    if (time >= this.#nextChange) this.#advance(time);
    return this.#spans;
  }

  #restart(): void {
    this.#open = [];
    this.#next = 0;
    this.#nextChange = Number.NEGATIVE_INFINITY;
  }

  #advance(time: number): void {
    for (
      let placed = this.#placed[this.#next];
      placed && placed.start <= time;
      placed = this.#placed[++this.#next]
    )
      this.#open.push(placed);
    this.#open = this.#open.filter(({ end }) => end >= time);
    this.#spans = this.#open.map(({ span }) => span);
    this.#nextChange = this.#placed[this.#next]?.start ?? Number.POSITIVE_INFINITY;
    // The moment after an end is the first at which something changes.
    for (const { end } of this.#open) this.#nextChange = Math.min(this.#nextChange, end + 1);
  }
}
