import type { RecallSummary } from './result.ts';
import type { RecallCounts } from './workload.ts';

/** Recall@k: how many of the k true nearest neighbours each reply has. The denominator is k, however short the reply. */
export class RecallMeter {
  readonly #truth: Uint32Array;
  readonly #neighbors: number;
  readonly #k: number;
  /** For each id the query that it is a true neighbour of, so that a reply is judged in time linear in k. */
  readonly #neighborOf: Uint32Array;
  #asked = 0;
  #queries = 0;
  #hits = 0;
  #fewest: number;
  #most = 0;
  #perfect = 0;
  #zero = 0;

  /** @param count of vectors: the ids of the ground truth are below it. */
  constructor(
    truth: { readonly ids: Uint32Array; readonly neighbors: number; readonly count: number },
    k: number,
  ) {
    this.#truth = truth.ids;
    this.#neighbors = truth.neighbors;
    this.#neighborOf = new Uint32Array(truth.count);
    this.#k = k;
    this.#fewest = k;
  }

  /** @param ids that the server returned; one that comes twice counts once, and those after the first k do not count. */
  add(query: number, ids: Iterable<number>): void {
    // Numbers are never reused, but for the wrap after 2^32 queries.
    const mark = (this.#asked = (this.#asked + 1) >>> 0 || 1);
    const from = query * this.#neighbors;
    for (let i = from; i < from + this.#k; i++) this.#neighborOf[this.#truth[i]!] = mark;
    let hits = 0;
    let seen = 0;
    for (const id of ids) {
      if (seen++ === this.#k) break;
      if (this.#neighborOf[id] !== mark) continue;
      this.#neighborOf[id] = 0;
      hits++;
    }
    this.#queries++;
    this.#hits += hits;
    if (hits < this.#fewest) this.#fewest = hits;
    if (hits > this.#most) this.#most = hits;
    if (hits === this.#k) this.#perfect++;
    if (hits === 0) this.#zero++;
  }

  counts(): RecallCounts {
    return {
      k: this.#k,
      queries: this.#queries,
      hits: this.#hits,
      fewest: this.#fewest,
      most: this.#most,
      perfect: this.#perfect,
      zero: this.#zero,
    };
  }
}

/** Over all threads; null when no query was answered. */
export function mergeRecall(parts: readonly RecallCounts[]): RecallSummary | null {
  const answered = parts.filter(({ queries }) => queries > 0);
  const [first] = answered;
  if (first === undefined) return null;
  const sum = (of: (part: RecallCounts) => number): number =>
    answered.reduce((total, part) => total + of(part), 0);
  const queries = sum((part) => part.queries);
  return {
    k: first.k,
    queries,
    avg: sum((part) => part.hits) / (queries * first.k),
    min: Math.min(...answered.map(({ fewest }) => fewest)) / first.k,
    max: Math.max(...answered.map(({ most }) => most)) / first.k,
    perfect: sum((part) => part.perfect),
    zero: sum((part) => part.zero),
  };
}
