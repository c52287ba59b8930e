import { median } from '../stats/mean.ts';

/** Standard deviation of one run around the truth. */
export interface Noise {
  /** Of ln QPS: 0.03 is 3 %. */
  readonly qps: number;
  /** Of ln p99. */
  readonly latencyP99: number;
  /** Of the recall itself. */
  readonly recall: number;
}

/** What single runs of a benchmark vary by before repeats tell: 3 % of QPS and p99. */
export const USUAL_NOISE = 0.03;

/** The prior counts as much as so many repeats. */
const PRIOR_WEIGHT = 4;
/** A run farther from the others than so many standard deviations counts as if it were there: one stall is no noise. */
const FARTHEST = 3;

/**
 * The noise that repeats show, pooled over points: the scaled inverse chi-square estimate (Gelman et al., Bayesian
 * Data Analysis, 3rd ed., section 2.6), which starts from a prior and forgets it as repeats come in.
 * @param groups values of repeated runs, a group for each point.
 * @param prior standard deviation that is assumed before any repeat.
 */
export function pooledNoise(groups: readonly (readonly number[])[], prior: number): number {
  const repeated = groups.filter((group) => group.length > 1);
  const degrees = repeated.reduce((sum, group) => sum + group.length - 1, 0);
  let noise = prior;
  for (let pass = 0; pass < 3; pass++) {
    const most = FARTHEST * noise;
    const squares = repeated.reduce((sum, group) => {
      const center = median(group);
      const own = group.reduce((total, value) => total + Math.min(Math.abs(value - center), most) ** 2, 0);
      return sum + own;
    }, 0);
    noise = Math.sqrt((PRIOR_WEIGHT * prior ** 2 + squares) / (PRIOR_WEIGHT + degrees));
  }
  return noise;
}

/**
 * What recall varies by before repeats tell. It is a mean over queries: at most sqrt(R (1 - R) / queries), if each
 * query were all right or all wrong; most are partly right, and programs ask the same ones each time: half of it.
 */
export function usualRecallNoise(recall: number, queries: number): number {
  const most = Math.sqrt(Math.max(0.01, recall * (1 - recall)) / Math.max(1, queries));
  return Math.min(0.01, Math.max(2e-4, most / 2));
}

/** Finite, for a rate or a latency of zero too. */
export function safeLog(value: number): number {
  return Math.log(Math.max(value, 1e-9));
}
