const initialBlocks = 1 << 12;
const shortBytes = 48;

/**
 * Numbers blocks of bytes from 0, in the order seen: whole stacks, which repeat as often as the lines in them. Unlike
 * LineTable its blocks are long, so they are compared by the runtime's own memcmp, and the caller hashes what differs.
 */
export class BlockTable {
  readonly #maximumBytes: number;
  #slots = new Int32Array(initialBlocks * 2).fill(-1);
  #hashes = new Int32Array(initialBlocks);
  #scopes = new Int32Array(initialBlocks);
  #starts = new Float64Array(initialBlocks + 1);
  #bytes = Buffer.allocUnsafe(1 << 18);
  #size = 0;

  /** @param maximumBytes kept in all; blocks beyond them are not numbered. */
  constructor(maximumBytes = Number.POSITIVE_INFINITY) {
    this.#maximumBytes = maximumBytes;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * The number of the block at [from, to): `size` as it was before, when it is new; -1 when the table is full.
   * @param scope equal bytes in another scope are another block. Whole numbers.
   */
  number(chunk: Buffer, from: number, to: number, hash: number, scope = 0): number {
    const mixed = (hash ^ (hash >>> 15) ^ Math.imul(scope, 0x9e3779b1)) | 0;
    const mask = this.#slots.length - 1;
    let slot = mixed & mask;
    for (;;) {
      const id = this.#slots[slot] as number;
      if (id < 0) return this.#add(chunk, from, to, mixed, scope, slot);
      if (this.#hashes[id] === mixed && this.#scopes[id] === scope && this.#equals(id, chunk, from, to))
        return id;
      slot = (slot + 1) & mask;
    }
  }

  #equals(id: number, chunk: Buffer, from: number, to: number): boolean {
    const start = this.#starts[id] as number;
    const end = this.#starts[id + 1] as number;
    if (end - start !== to - from) return false;
    // The call itself costs more than a few bytes do.
    if (end - start > shortBytes) return chunk.compare(this.#bytes, start, end, from, to) === 0;
    for (let at = from, own = start; at < to; at++, own++) if (chunk[at] !== this.#bytes[own]) return false;
    return true;
  }

  #add(chunk: Buffer, from: number, to: number, hash: number, scope: number, slot: number): number {
    const start = this.#starts[this.#size] as number;
    const end = start + to - from;
    if (end > this.#maximumBytes) return -1;
    const id = this.#size++;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, start, from, to);
    this.#starts[id + 1] = end;
    this.#hashes[id] = hash;
    this.#scopes[id] = scope;
    this.#slots[slot] = id;
    if (this.#size === this.#hashes.length) this.#grow();
    return id;
  }

  #grow(): void {
    const blocks = this.#hashes.length * 2;
    const hashes = new Int32Array(blocks);
    const scopes = new Int32Array(blocks);
    const starts = new Float64Array(blocks + 1);
    hashes.set(this.#hashes);
    scopes.set(this.#scopes);
    starts.set(this.#starts);
    const slots = new Int32Array(blocks * 2).fill(-1);
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
