import type { SwitchSlice } from './fold-job.ts';
import type { PlacedStack } from './fold.ts';
import type { WaitPieces } from './wait-pieces.ts';

/** A wait as perf has it: from the stack that a thread left the CPU with, to the note of its return. ns on the axis. */
export interface NotedWait {
  readonly tid: number;
  readonly stack: PlacedStack;
  readonly from: number;
  readonly to: number;
  /** How much of it is too long, ns, where the scheduler does not tell; absent of a wait that is not over. */
  readonly usualExcess?: number;
}

interface Slice {
  readonly from: number;
  readonly to: number;
  readonly ranNs: ReadonlyMap<number, number>;
}

/**
 * More than that a return is not noted late, ns: 21 µs was the most seen, on virtual CPUs that had idled. It bounds
 * what a reading of a thread on a CPU can do, whose run time is brought up to date at each tick only.
 */
const maximumExcess = 50_000;

/**
 * Makes waits as long as the scheduler says that they were. It counts a thread as running from when it has chosen it;
 * perf notes the return 1 to 20 µs later, which makes every wait too long. How much, the scheduler's own run times
 * tell: within a slice of about a second, the waits of a thread are shortened evenly until they fill the time in which
 * it did not run. They are held back for so long, and then given on in the order of their ends.
 */
export class WaitSlices {
  readonly #pieces: WaitPieces;
  #slices: readonly Slice[] = [];
  #at = 0;
  #held: NotedWait[] = [];

  constructor(pieces: WaitPieces) {
    this.#pieces = pieces;
  }

  /** A capture begins. */
  begin(slices: readonly SwitchSlice[]): void {
    this.#at = 0;
    this.#slices = slices.map(({ fromNs, toNs, ranNs }) => ({
      from: this.#pieces.axisNs(fromNs),
      to: this.#pieces.axisNs(toNs),
      ranNs: new Map(ranNs),
    }));
  }

  /** When the slice at hand is over, ns on the axis; the last one is with its capture. */
  get end(): number {
    return this.#at < this.#slices.length - 1
      ? (this.#slices[this.#at] as Slice).to
      : Number.POSITIVE_INFINITY;
  }

  add(wait: NotedWait): void {
    this.#held.push(wait);
  }

  /** The slice at hand is over, or the capture. */
  next(): void {
    const slice = this.#slices[this.#at++];
    const excess = slice === undefined ? new Map<number, number>() : excessByThread(this.#held, slice);
    for (const { tid, stack, from, to, usualExcess } of this.#held) {
      const tooLong = usualExcess === undefined ? 0 : (excess.get(tid) ?? usualExcess);
      this.#pieces.add(stack, from, to, Math.round(tooLong));
    }
    this.#held = [];
  }
}

/** What each wait of a thread is too long by; threads whose run time is not known are left out. */
function excessByThread(waits: readonly NotedWait[], slice: Slice): Map<number, number> {
  const threads = new Map<number, { noted: number; readonly over: number[] }>();
  for (const { tid, from, to, usualExcess } of waits) {
    const length = Math.min(to, slice.to) - Math.max(from, slice.from);
    if (length <= 0) continue;
    let thread = threads.get(tid);
    if (thread === undefined) threads.set(tid, (thread = { noted: 0, over: [] }));
    thread.noted += length;
    if (usualExcess !== undefined) thread.over.push(length);
  }
  const excess = new Map<number, number>();
  for (const [tid, { noted, over }] of threads) {
    const ranNs = slice.ranNs.get(tid);
    if (ranNs === undefined) continue;
    const tooMuch = noted - (slice.to - slice.from - ranNs);
    excess.set(tid, Math.min(maximumExcess, evenShare(over, tooMuch)));
  }
  return excess;
}

/** What to take off each, none by more than it is, so that `total` is taken off all. */
function evenShare(lengths: readonly number[], total: number): number {
  const ascending = Float64Array.from(lengths).sort();
  let left = Math.max(0, total);
  for (const [index, length] of ascending.entries()) {
    const share = left / (ascending.length - index);
    if (share <= length) return share;
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
}
