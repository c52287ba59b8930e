import type { Fold } from './fold.ts';
import type { SampleLines } from './sample-lines.ts';
import type { SpanTime } from './spans-at.ts';
import type { WaitKind } from './wait-kind.ts';

export interface Wait {
  readonly comm: string;
  readonly pid: number;
  readonly tid: number;
  readonly stack: SampleLines;
  readonly kind: WaitKind;
}

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
  readonly #kindLines = new Map<WaitKind, Buffer>();

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

  /** @param from and `to` ns on the axis. */
  add(wait: Wait, from: number, to: number): void {
    for (let at = this.#lastEdgeNotAfter(from); at < this.#edges.length - 1; at++) {
      const start = Math.max(from, this.#edges[at] as number);
      const edge = this.#edges[at + 1] as number;
      const end = Math.min(to, edge);
      if (end <= start) break;
      // The last moment of the piece: waits end in order, and the fold likes its samples in order. At an edge itself
      // two spans would have it.
      const moment = end === edge ? end - 1 : end;
      if (this.#open[at] !== 0 && moment > (this.#edges[at] as number))
        this.#replay(wait, moment, end - start);
    }
  }

  #replay({ comm, pid, tid, stack, kind }: Wait, moment: number, lengthNs: number): void {
    const seconds = Math.floor(moment / nsPerSecond);
    const nanoseconds = moment - seconds * nsPerSecond;
    const fold = this.#fold;
    fold.sample(comm, pid, tid, this.originSeconds + seconds, nanoseconds, lengthNs);
    let start = 0;
    for (let at = 0; at < stack.count; at++) {
      const end = stack.ends[at] as number;
      fold.frame(stack.bytes, start, end);
      start = end;
    }
    const line = this.#lineOf(kind);
    fold.frame(line, 0, line.length);
    fold.sampleEnd();
  }

  /** The kind stands next to the pool, as a frame would: `valkey-server;[poll];main;aeMain`. */
  #lineOf(kind: WaitKind): Buffer {
    let line = this.#kindLines.get(kind);
    if (line === undefined) this.#kindLines.set(kind, (line = Buffer.from(`0 [${kind}]`)));
    return line;
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
