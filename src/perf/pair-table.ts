const initialPairs = 1 << 12;

/** Numbers pairs of integers from 0, in the order seen. */
export class PairTable {
  #firsts = new Int32Array(initialPairs);
  #seconds = new Int32Array(initialPairs);
  #slots = new Int32Array(initialPairs * 2).fill(-1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  first(pair: number): number {
    return this.#firsts[pair] as number;
  }

  second(pair: number): number {
    return this.#seconds[pair] as number;
  }

  /** The number of this pair: `size` as it was before, when it is new. */
  number(first: number, second: number): number {
    const mask = this.#slots.length - 1;
    let slot = slotOf(first, second) & mask;
    for (;;) {
      const pair = this.#slots[slot] as number;
      if (pair < 0) break;
      if (this.#firsts[pair] === first && this.#seconds[pair] === second) return pair;
      slot = (slot + 1) & mask;
    }
    const pair = this.#size++;
    if (pair === this.#firsts.length) {
      this.#firsts = doubled(this.#firsts);
      this.#seconds = doubled(this.#seconds);
    }
    this.#firsts[pair] = first;
    this.#seconds[pair] = second;
    this.#slots[slot] = pair;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return pair;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let pair = 0; pair < this.#size; pair++) {
      let slot = slotOf(this.first(pair), this.second(pair)) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = pair;
    }
    this.#slots = slots;
  }
}

function slotOf(first: number, second: number): number {
  // Multiplicative hashing; the constants are those of MurmurHash3's finaliser (Appleby).
  const mixed = Math.imul(first, 0x85ebca6b) ^ Math.imul(second, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
