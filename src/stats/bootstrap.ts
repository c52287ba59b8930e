import { mean } from './mean.ts';
import { normalCdf, normalQuantile } from './normal.ts';
import { Random } from './random.ts';

export interface BootstrapOptions {
  /** Of the samples drawn; written down with the result, so that it can be repeated. */
  readonly seed: number;
  /** Samples drawn; 5,000 by default: the ends of a 95 % interval then move by less than a hundredth of its width. */
  readonly draws?: number;
}

/**
 * Means of samples drawn from the values with replacement, corrected for bias and skew: BCa, Efron 1987, "Better
 * Bootstrap Confidence Intervals". It needs some 20 values: with 5 to 10 its 95 % intervals hold the truth in 84-90 %.
 */
export class BcaMean {
  readonly #means: Float64Array;
  readonly #bias: number;
  readonly #acceleration: number;
  readonly #center: number;

  /** @param values at least two. */
  constructor(values: readonly number[], { seed, draws = 5_000 }: BootstrapOptions) {
    this.#center = mean(values);
    this.#means = drawMeans(values, draws, new Random(seed));
    this.#bias = normalQuantile(withinReach(shareBelow(this.#means, this.#center), draws));
    this.#acceleration = skewOf(values, this.#center);
  }

  /** The interval that holds the true mean with that confidence, 0 to 1. */
  interval(confidence: number): readonly [low: number, high: number] {
    const tail = (1 - confidence) / 2;
    return [this.#at(tail), this.#at(1 - tail)];
  }

  /**
   * How surprising the values were if the true mean were that, or lower: the tail of the interval that just reaches
   * down to it. Never below 1 / draws, which is as fine as it can tell.
   */
  pAbove(value: number): number {
    return Math.max(this.#tailTo(value), 1 / this.#means.length);
  }

  /** The same if the true mean were that, or higher. */
  pBelow(value: number): number {
    return Math.max(1 - this.#tailTo(value), 1 / this.#means.length);
  }

  /** `#at`, solved for the share. */
  #tailTo(value: number): number {
    const draws = this.#means.length;
    const shifted = normalQuantile(withinReach(shareBelow(this.#means, value), draws)) - this.#bias;
    return normalCdf(shifted / (1 + this.#acceleration * shifted) - this.#bias);
  }

  /** The mean below which a share of the corrected distribution lies. */
  #at(share: number): number {
    const z = this.#bias + normalQuantile(share);
    const corrected = normalCdf(this.#bias + z / (1 - this.#acceleration * z));
    const rank = Math.round(corrected * this.#means.length - 0.5);
    return this.#means[Math.min(this.#means.length - 1, Math.max(0, rank))]!;
  }
}

/** Ascending. */
function drawMeans(values: readonly number[], draws: number, random: Random): Float64Array {
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)]!;
    means[draw] = sum / values.length;
  }
  return means.sort();
}

/** Those that are equal count half. */
function shareBelow(sorted: Float64Array, value: number): number {
  let below = 0;
  let equal = 0;
  for (const one of sorted) {
    if (one < value) below++;
    else if (one === value) equal++;
    else break;
  }
  return (below + equal / 2) / sorted.length;
}

/** What lies beyond every draw is as far as the draws can tell. */
function withinReach(share: number, draws: number): number {
  return Math.min(1 - 0.5 / draws, Math.max(0.5 / draws, share));
}

/** Acceleration of a mean: a sixth of the skew of the values over the root of their number (Efron 1987, section 7). */
function skewOf(values: readonly number[], center: number): number {
  const second = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const third = values.reduce((sum, value) => sum + (value - center) ** 3, 0);
  return second === 0 ? 0 : third / (6 * second ** 1.5);
}
