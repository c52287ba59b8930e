/**
 * Bucket indices of an HDR histogram of 1 µs to 60 s with 3 significant digits (Gil Tene's layout: 2048 buckets of 1 µs,
 * then 1024 for each power of two). Counting is one addition here; hdr-histogram-js takes 40-60 ns a value.
 */
const SUB_BUCKET_BITS = 11;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const HALF = SUB_BUCKETS / 2;

export const HIGHEST_US = 60_000_000;
export const SIGNIFICANT_DIGITS = 3;

const BUCKETS = indexOf(HIGHEST_US) + 1;

function indexOf(valueUs: number): number {
  if (valueUs < SUB_BUCKETS) return valueUs;
  const shift = 32 - SUB_BUCKET_BITS - Math.clz32(valueUs);
  return shift * HALF + (valueUs >>> shift);
}

/** The lowest value of a bucket, µs. */
export function valueOfBucket(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const shift = Math.floor(index / HALF) - 1;
  return (index - shift * HALF) * 2 ** shift;
}

/** Latencies of one interval of one thread. */
export class LatencyCounts {
  readonly #counts = new Uint32Array(BUCKETS);
  #sumMs = 0;
  #minMs = Infinity;
  #maxMs = 0;
  #total = 0;

  /** `count` requests that took `ms` each. Longer than 60 s counts as 60 s; the maximum stays exact. */
  record(ms: number, count: number): void {
    // To the nearest µs, and at least 1.
    const us = ms >= HIGHEST_US / 1000 ? HIGHEST_US : Math.max(1, (ms * 1000 + 0.5) | 0);
    this.#counts[indexOf(us)]! += count;
    this.#sumMs += ms * count;
    this.#total += count;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  get total(): number {
    return this.#total;
  }

  /** All since the last call; counting begins anew. */
  take(): CountedLatencies {
    const buckets: number[] = [];
    const counts = this.#counts;
    if (this.#total > 0) for (let i = 0; i < BUCKETS; i++) if (counts[i]! > 0) buckets.push(i, counts[i]!);
    const taken: CountedLatencies = {
      buckets: Uint32Array.from(buckets),
      total: this.#total,
      sumMs: this.#sumMs,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
    };
    counts.fill(0);
    this.#sumMs = 0;
    this.#total = 0;
    this.#minMs = Infinity;
    this.#maxMs = 0;
    return taken;
  }
}

/** Latencies as they are handed from a thread. `minMs` is Infinity when there are none. */
export interface CountedLatencies {
  /** Bucket index and count, in turns. */
  readonly buckets: Uint32Array;
  readonly total: number;
  readonly sumMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}
