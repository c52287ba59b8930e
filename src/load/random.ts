/** A small, fast, seeded generator (xorshift128, Marsaglia 2003; seeded by splitmix32): the same numbers everywhere. */
export class Random {
  #x: number;
  #y: number;
  #z: number;
  #w: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#x = next();
    this.#y = next();
    this.#z = next();
    this.#w = next() | 1;
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = (this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8)) | 0;
    return this.#w >>> 0;
  }

  /** 0 to `limit` - 1, for limits up to 2^53. The bias is below 2^-21 for limits up to 2^32. */
  below(limit: number): number {
    const unit = this.uint32() / 2 ** 32;
    return Math.floor(limit <= 2 ** 32 ? unit * limit : (unit + this.uint32() / 2 ** 64) * limit);
  }

  /** The numbers 0 to `count` - 1 in random order. */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }
}
