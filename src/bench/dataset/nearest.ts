/** The k best of many candidates for each of several queries: one heap a query, its worst on top. */
export class Nearest {
  readonly #k: number;
  readonly #scores: Float64Array;
  readonly #ids: Uint32Array;
  readonly #sizes: Uint32Array;

  constructor(queries: number, k: number) {
    this.#k = k;
    this.#scores = new Float64Array(queries * k).fill(NaN);
    this.#ids = new Uint32Array(queries * k);
    this.#sizes = new Uint32Array(queries);
  }

  /** The smaller score is nearer; of equal scores, the smaller id. The order of the offers does not matter. */
  offer(query: number, score: number, id: number): void {
    const base = query * this.#k;
    const size = this.#sizes[query]!;
    if (size < this.#k) {
      this.#sizes[query] = size + 1;
      this.#rise(base, size, score, id);
    } else if (score <= this.#scores[base]! && this.#isNearer(score, id, base)) {
      this.#sink(base, size, score, id);
    }
  }

  /**
   * Ids and scores of all queries, k each, nearest first; where fewer were offered, the scores of the rest are NaN.
   * Ends this object's use.
   */
  sorted(): { ids: Uint32Array; scores: Float64Array } {
    this.#sizes.forEach((size, query) => {
      const base = query * this.#k;
      for (let last = size - 1; last > 0; last--) {
        const score = this.#scores[base + last]!;
        const id = this.#ids[base + last]!;
        this.#scores[base + last] = this.#scores[base]!;
        this.#ids[base + last] = this.#ids[base]!;
        this.#sink(base, last, score, id);
      }
    });
    return { ids: this.#ids, scores: this.#scores };
  }

  #isNearer(score: number, id: number, than: number): boolean {
    const other = this.#scores[than]!;
    return score < other || (score === other && id < this.#ids[than]!);
  }

  #rise(base: number, from: number, score: number, id: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#isNearer(score, id, base + parent)) break;
      this.#scores[base + at] = this.#scores[base + parent]!;
      this.#ids[base + at] = this.#ids[base + parent]!;
      at = parent;
    }
    this.#scores[base + at] = score;
    this.#ids[base + at] = id;
  }

  /** Puts a candidate in at the top of a heap of that size, in place of what is there. */
  #sink(base: number, size: number, score: number, id: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (
        child + 1 < size &&
        this.#isNearer(this.#scores[base + child]!, this.#ids[base + child]!, base + child + 1)
      )
        child++;
      if (!this.#isNearer(score, id, base + child)) break;
      this.#scores[base + at] = this.#scores[base + child]!;
      this.#ids[base + at] = this.#ids[base + child]!;
      at = child;
    }
    this.#scores[base + at] = score;
    this.#ids[base + at] = id;
  }
}
