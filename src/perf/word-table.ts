const initialRuns = 1 << 12;

/**
 * Numbers runs of words, call chains for one, from 0, in the order seen. They are hashed and compared where they lie in
 * the window: BlockTable does the same for bytes, and took four times as long for these.
 */
export class WordTable {
  #slots = new Int32Array(initialRuns * 2).fill(-1);
  #hashes = new Int32Array(initialRuns);
  #scopes = new Int32Array(initialRuns);
  #starts = new Float64Array(initialRuns + 1);
  #words = new Uint32Array(1 << 15);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * The number of the run at [from, to): `size` as it was before, when it is new.
   * @param scope equal words in another scope are another run. Whole numbers.
   */
  number(words: Uint32Array, from: number, to: number, scope: number): number {
    // FNV-1a, by words and not by bytes; the length, since what is empty needs a hash too.
    let hash = (0x811c9dc5 ^ (to - from)) + scope;
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (words[at] as number), 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot] as number;
      if (id < 0) return this.#add(words, from, to, hash, scope, slot);
      if (
        this.#hashes[id] === hash &&
        this.#scopes[id] === scope &&
        isSame(this.#words, this.#starts[id] as number, this.#starts[id + 1] as number, words, from, to)
      )
        return id;
    }
  }

  #add(words: Uint32Array, from: number, to: number, hash: number, scope: number, slot: number): number {
    const id = this.#size++;
    const start = this.#starts[id] as number;
    const end = start + to - from;
    if (end > this.#words.length) {
      const grown = new Uint32Array(Math.max(end, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    for (let at = from, own = start; at < to; at++, own++) this.#words[own] = words[at] as number;
    this.#starts[id + 1] = end;
    this.#hashes[id] = hash;
    this.#scopes[id] = scope;
    this.#slots[slot] = id;
    if (this.#size === this.#hashes.length) this.#grow();
    return id;
  }

  #grow(): void {
    const runs = this.#size * 2;
    const hashes = new Int32Array(runs);
    const scopes = new Int32Array(runs);
    const starts = new Float64Array(runs + 1);
    hashes.set(this.#hashes);
    scopes.set(this.#scopes);
    starts.set(this.#starts);
    const slots = new Int32Array(runs * 2).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id++) {
      let slot = (hashes[id] as number) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    this.#hashes = hashes;
    this.#scopes = scopes;
    this.#starts = starts;
  }
}

function isSame(
  own: Uint32Array,
  start: number,
  end: number,
  words: Uint32Array,
  from: number,
  to: number,
): boolean {
  if (end - start !== to - from) return false;
  for (let at = from, mine = start; at < to; at++, mine++) if (own[mine] !== words[at]) return false;
  return true;
}
