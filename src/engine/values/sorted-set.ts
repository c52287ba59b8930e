export interface Scored {
  readonly member: string;
  score: number;
}

interface Entry extends Scored {
  position: number;
}

/** Members by score, equal scores by bytes: a binary heap that knows where each member stands. */
export class SortedSet {
  readonly #entries = new Map<string, Entry>();
  readonly #heap: Entry[] = [];

  get size(): number {
    return this.#heap.length;
  }

  score(member: string): number | undefined {
    return this.#entries.get(member)?.score;
  }

  set(member: string, score: number): void {
    const known = this.#entries.get(member);
    if (known === undefined) {
      const entry = { member, score, position: this.#heap.length };
      this.#entries.set(member, entry);
      this.#heap.push(entry);
      this.#rise(entry);
      return;
    }
    known.score = score;
    this.#rise(known);
    this.#sink(known);
  }

  delete(member: string): boolean {
    const entry = this.#entries.get(member);
    if (entry === undefined) return false;
    this.#entries.delete(member);
    const last = this.#heap.pop()!;
    if (last !== entry) {
      this.#place(last, entry.position);
      this.#rise(last);
      this.#sink(last);
    }
    return true;
  }

  takeLowest(): Scored | undefined {
    const lowest = this.#heap[0];
    if (lowest !== undefined) this.delete(lowest.member);
    return lowest;
  }

  /** All of them, lowest first. */
  ordered(): Scored[] {
    return this.#heap.toSorted(compare);
  }

  #rise(entry: Entry): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >> 1]!;
      if (compare(parent, entry) <= 0) return;
      this.#swap(parent, entry);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      if (left === undefined) return;
      const least = right !== undefined && compare(right, left) < 0 ? right : left;
      if (compare(entry, least) <= 0) return;
      this.#swap(entry, least);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const position = a.position;
    this.#place(a, b.position);
    this.#place(b, position);
  }

  #place(entry: Entry, position: number): void {
    entry.position = position;
    this.#heap[position] = entry;
  }
}

function compare(a: Scored, b: Scored): number {
  return a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0);
}
