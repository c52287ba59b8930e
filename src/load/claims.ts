/** Numbers of the whole run's requests, for one thread. No number is given twice, over all threads. */
export interface Claims {
  /** How many of the next requests may be made now, up to `most`; 0 at the end. */
  take(most: number): number;
  /** The number of the first one that the last `take` gave. */
  readonly first: number;
  readonly stride: number;
}

/** Blocks are drawn from a counter that threads share: a faster thread makes more requests. */
export class SharedClaims implements Claims {
  first = 0;
  readonly stride = 1;
  readonly #taken: Int32Array;
  readonly #blockSize: number;
  readonly #total: number;
  #next = 0;
  #end = 0;

  /** @param total Infinity for a load that ends by time. @param counter shared by the threads; blocks taken. */
  constructor(total: number, blockSize: number, counter: SharedArrayBuffer) {
    this.#total = total;
    this.#blockSize = blockSize;
    this.#taken = new Int32Array(counter);
  }

  take(most: number): number {
    if (this.#next === this.#end) {
      const begin = Atomics.add(this.#taken, 0, 1) * this.#blockSize;
      if (begin >= this.#total) {
        Atomics.sub(this.#taken, 0, 1);
        return 0;
      }
      this.#next = begin;
      this.#end = Math.min(this.#total, begin + this.#blockSize);
    }
    const count = Math.min(most, this.#end - this.#next);
    this.first = this.#next;
    this.#next += count;
    return count;
  }
}

/** Every n-th request: in an open loop a request's number says when it is due, whoever makes it. */
export class StridedClaims implements Claims {
  first: number;
  readonly stride: number;
  /** The number of the next request; at or over the total when there is none. */
  next: number;
  readonly total: number;

  constructor(total: number, thread: number, threads: number) {
    this.total = total;
    this.stride = threads;
    this.next = thread;
    this.first = thread;
  }

  take(most: number): number {
    if (this.next >= this.total) return 0;
    const count = Math.min(most, Math.ceil((this.total - this.next) / this.stride));
    this.first = this.next;
    this.next += count * this.stride;
    return count;
  }
}

/**
 * Requests in a block: few enough that no thread is left with all the rest at the end, enough that the shared counter
 * is rarely touched.
 */
export function blockSizeFor(total: number, threads: number, pipeline: number): number {
  const share = Number.isFinite(total) ? Math.ceil(total / (threads * 64)) : 1024;
  // Whole batches, so that only the last one of all is short.
  return Math.ceil(Math.min(1024, share) / pipeline) * pipeline;
}
