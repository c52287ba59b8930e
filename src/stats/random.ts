/**
 * Seeded random numbers: xoshiro128**, Blackman and Vigna 2018. Whole-number arithmetic throughout, so that a seed
 * gives the same numbers on every machine and engine.
 */
export class Random {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  /** @param seed a whole number up to 2^53. @param stream independent numbers of the same seed. */
  constructor(seed: number, stream = 0) {
    // splitmix32 spreads the seed over the state, as its authors advise.
    let mixed = ((seed % 2 ** 32) ^ Math.imul(Math.floor(seed / 2 ** 32) + 1, 0x85ebca6b)) >>> 0;
    mixed = (mixed + Math.imul(stream, 0xc2b2ae35)) >>> 0;
    const spread = (): number => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    };
    this.#s0 = spread();
    this.#s1 = spread();
    this.#s2 = spread();
    this.#s3 = spread();
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const s1 = this.#s1;
    const scrambled = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    this.#s2 ^= this.#s0;
    this.#s3 ^= s1;
    this.#s1 = s1 ^ this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= s1 << 9;
    this.#s3 = rotate(this.#s3, 11);
    return scrambled;
  }

  /** 0 to below 1, in steps of 2^-32. */
  unit(): number {
    return this.next() / 2 ** 32;
  }

  /** 0 to `limit` - 1, for limits up to 2^53. The bias is below 2^-21 for limits up to 2^32. */
  below(limit: number): number {
    const unit = this.unit();
    return Math.floor(limit <= 2 ** 32 ? unit * limit : (unit + this.next() / 2 ** 64) * limit);
  }

  /**
   * Bell-shaped around 0 with deviation 1: the sum of four uniform numbers. A true normal deviate would take a
   * logarithm, whose last bit may differ between engines; clusters do not need its tails.
   */
  bell(): number {
    const a = this.next();
    const b = this.next();
    const sum = (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
    return (sum - MEAN) / DEVIATION;
  }

  /** The numbers 0 to `count` - 1 in random order: Fisher and Yates. */
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

/** Of the sum of four whole numbers, each evenly 0 to 65535. */
const MEAN = 2 * 65_535;
const DEVIATION = Math.sqrt((65_536 ** 2 - 1) / 3);

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
