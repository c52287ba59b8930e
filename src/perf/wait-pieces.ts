import type { Fold, PlacedStack } from './fold.ts';
import type { SpanTime } from './spans-at.ts';

const nsPerSecond = 1_000_000_000;

/**
 * Gives waits to spans: cut at every edge of a span, each piece is a sample that weighs its length and lies within the
 * piece. So a span has exactly the part that falls into it, however spans nest.
 */
export class WaitPieces {
  /** Times are ns after that second: nanoseconds since boot leave a double's exact range after 104 days. */
  readonly originSeconds: number;
  readonly #fold: Fold;
  /** Where spans begin and end, in order, and how many are open from there to the next. */
  readonly #edges: number[];
  readonly #open: number[];

  constructor(fold: Fold, spans: readonly SpanTime[]) {
    this.#fold = fold;
    const first = spans.reduce(
      (least, { startNs }) => (startNs < least ? startNs : least),
      spans[0]?.startNs ?? 0n,
    );
    this.originSeconds = Number(first / BigInt(nsPerSecond));
    const changes = new Map<number, number>();
    const change = (ns: bigint, by: number): void => {
      const at = this.axisNs(ns);
      changes.set(at, (changes.get(at) ?? 0) + by);
    };
    for (const { startNs, endNs } of spans) {
      change(startNs, 1);
      change(endNs, -1);
    }
    this.#edges = [...changes.keys()].sort((a, b) => a - b);
    let open = 0;
    this.#open = this.#edges.map((edge) => (open += changes.get(edge) ?? 0));
  }

  /** @param ns of CLOCK_MONOTONIC, or as decimal text. */
  axisNs(ns: bigint | string): number {
    return Number(BigInt(ns) - BigInt(this.originSeconds) * BigInt(nsPerSecond));
  }

  /** @param from and `to` ns on the axis. @param tooLong what to take off, ns; a wait that is shorter is none. */
  add(stack: PlacedStack, from: number, to: number, tooLong: number): void {
    const excess = Math.min(tooLong, to - from);
    const last = to - 1;
    if (excess > 0) this.#fold.takeOff(this.#secondsOf(last), last % nsPerSecond, excess);
    // Off its beginning, so that waits stay in the order of their ends.
    this.#share(stack, from + excess, to);
  }

  #share(stack: PlacedStack, from: number, to: number): void {
    for (let at = this.#lastEdgeNotAfter(from); at < this.#edges.length - 1; at++) {
      const start = Math.max(from, this.#edges[at] as number);
      const edge = this.#edges[at + 1] as number;
      const end = Math.min(to, edge);
      if (end <= start) break;
      // The last moment of the piece: waits end in order, and the fold likes its samples in order. At an edge itself
      // two spans would have it.
      const moment = end === edge ? end - 1 : end;
      if (this.#open[at] !== 0 && moment > (this.#edges[at] as number))
        this.#fold.weigh(stack, this.#secondsOf(moment), moment % nsPerSecond, end - start);
    }
  }

  #secondsOf(moment: number): number {
    return this.originSeconds + Math.floor(moment / nsPerSecond);
  }

  /** 0 where all edges are later. */
  #lastEdgeNotAfter(time: number): number {
    let low = 0;
    let high = this.#edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#edges[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
