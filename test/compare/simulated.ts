import type { Pair } from '../../src/compare/verdict.ts';
import { normalQuantile } from '../../src/stats/normal.ts';
import { Random } from '../../src/stats/random.ts';

/** Deviates around 0 with deviation 1. */
export type Noise = (random: Random) => number;

export const normal: Noise = (random) => normalQuantile((random.next() + 0.5) / 2 ** 32);

/** Two humps of equal height, well apart: a run that lands on one of two cores. */
export const bimodal: Noise = (random) => {
  const center = random.unit() < 0.5 ? -1 : 1;
  const spread = 0.3;
  return (center + spread * normal(random)) / Math.sqrt(1 + spread * spread);
};

/** Pairs whose true change is `ratio`, with that noise on each side: 0.02 for 2 %. */
export function pairsOf(
  random: Random,
  count: number,
  {
    ratio,
    noise,
    shape = normal,
  }: { readonly ratio: number; readonly noise: number; readonly shape?: Noise },
): Pair[] {
  return Array.from({ length: count }, () => ({
    base: 1000 * Math.exp(noise * shape(random)),
    fresh: 1000 * ratio * Math.exp(noise * shape(random)),
  }));
}
