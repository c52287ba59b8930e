const initialSlots = 1 << 14;
const hashedBytes = 16;

/**
 * Numbers byte strings from 0, in the order seen: a line that came before costs one hash and one comparison, no
 * string. perf prints the same few thousand frame lines millions of times.
 */
export class LineTable {
  #slots = new Int32Array(initialSlots).fill(-1);
  #hashes = new Int32Array(initialSlots / 2);
  #starts = new Float64Array(initialSlots / 2 + 1);
  #bytes = Buffer.allocUnsafe(1 << 20);
  #size = 0;

  /** How many different lines there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of the line at [from, to): `size` as it was before, when it is new. */
  number(chunk: Uint8Array, from: number, to: number): number {
    // FNV-1a, 32 bits, by Fowler, Noll and Vo; of the address alone, which nearly names the line: a third faster.
    let hash = 0x811c9dc5 ^ (to - from);
    for (let at = from, end = Math.min(to, from + hashedBytes); at < end; at++)
      hash = Math.imul(hash ^ (chunk[at] as number), 0x01000193);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const id = this.#slots[slot] as number;
      if (id < 0) return this.#add(chunk, from, to, hash, slot);
      if (this.#hashes[id] === hash && this.#equals(id, chunk, from, to)) return id;
      slot = (slot + 1) & mask;
    }
  }

  #equals(id: number, chunk: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[id] as number;
    if ((this.#starts[id + 1] as number) - start !== to - from) return false;
    for (let at = from, own = start; at < to; at++, own++) if (chunk[at] !== this.#bytes[own]) return false;
    return true;
  }

  #add(chunk: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const id = this.#size++;
    const start = this.#starts[id] as number;
    const end = start + to - from;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(from, to), start);
    this.#starts[id + 1] = end;
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    const hashes = new Int32Array(slots.length / 2);
    const starts = new Float64Array(slots.length / 2 + 1);
    hashes.set(this.#hashes);
    starts.set(this.#starts);
    for (let id = 0; id < this.#size; id++) {
      const hash = hashes[id] as number;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    this.#hashes = hashes;
    this.#starts = starts;
  }
}
