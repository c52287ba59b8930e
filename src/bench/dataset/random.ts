/**
 * Seeded random numbers: xoshiro128**, Blackman and Vigna 2018. Whole-number arithmetic throughout, so that a seed
 * gives the same numbers on every machine and engine.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed a whole number up to 2^53. @param stream independent numbers of the same seed. */
  constructor(seed: number, stream = 0) {
    // splitmix32 spreads the seed over the state, as its authors advise.
    let mixed = ((seed % 2 ** 32) ^ Math.imul(Math.floor(seed / 2 ** 32) + 1, 0x85ebca6b)) >>> 0;
    mixed = (mixed + Math.imul(stream, 0xc2b2ae35)) >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    });
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const scrambled = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1] = s1 ^ s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    s[3] = rotate(s[3]!, 11);
    return scrambled;
  }

  /** 0 to `limit` - 1, evenly but for 1 in 2^32 / limit. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
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
}

/** Of the sum of four whole numbers, each evenly 0 to 65535. */
const MEAN = 2 * 65_535;
const DEVIATION = Math.sqrt((65_536 ** 2 - 1) / 3);

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
