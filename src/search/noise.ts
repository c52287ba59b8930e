import type { BenchmarkResult } from '../bench/result.ts';
import { squaresAroundMean } from '../stats/mean.ts';
import { configKey } from './config-key.ts';
import type { Trial } from './contract.ts';

/** Standard deviation of one run around the truth. */
export interface Noise {
  /** Of ln QPS: 0.03 is 3 %. */
  readonly qps: number;
  /** Of ln p99. */
  readonly latencyP99: number;
  /** Of the recall itself. */
  readonly recall: number;
}

/** What single runs of benchmarks vary by before repeats tell: 3 % of QPS and p99. */
const PRIOR = 0.03;
/** The prior counts as much as so many repeats. */
const PRIOR_WEIGHT = 4;

/**
 * Noise as the repeats so far show it, pooled over all points: the scaled inverse chi-square estimate (Gelman et al.,
 * Bayesian Data Analysis, 3rd ed., section 2.6), that starts from a prior and forgets it as repeats come in.
 */
export function noiseOf(trials: readonly Trial[]): Noise {
  const points = new Map<string, BenchmarkResult[]>();
  for (const { config, outcome } of trials) {
    if (outcome.state !== 'measured') continue;
    const key = configKey(config);
    points.set(key, [...(points.get(key) ?? []), outcome.result]);
  }
  const groups = [...points.values()];
  const all = groups.flat();
  return {
    qps: pooled(
      groups.map((group) => group.map((result) => safeLog(result.qps))),
      PRIOR,
    ),
    latencyP99: pooled(
      groups.map((group) => group.map((result) => safeLog(result.latencyP99))),
      PRIOR,
    ),
    recall: pooled(
      groups.map((group) => group.flatMap((result) => result.recallAvg ?? [])),
      recallPrior(all),
    ),
  };
}

/** Finite, for a rate or a latency of zero too. */
export function safeLog(value: number): number {
  return Math.log(Math.max(value, 1e-9));
}

/**
 * Recall is a mean over queries, so that its noise is at most sqrt(R (1 - R) / queries), with each query all right or
 * all wrong; real queries are partly right, and most programs ask the same ones each time: half of it.
 */
function recallPrior(results: readonly BenchmarkResult[]): number {
  const last = results.findLast((result) => result.recallAvg !== null);
  if (last === undefined || last.recallAvg === null) return 0.001;
  const queries = last.requests ?? 10_000;
  const spread = Math.sqrt(Math.max(0.01, last.recallAvg * (1 - last.recallAvg)) / Math.max(1, queries));
  return Math.min(0.01, Math.max(2e-4, spread / 2));
}

function pooled(groups: readonly (readonly number[])[], prior: number): number {
  const squares = groups.reduce((sum, group) => sum + squaresAroundMean(group), 0);
  const degrees = groups.reduce((sum, group) => sum + Math.max(0, group.length - 1), 0);
  return Math.sqrt((PRIOR_WEIGHT * prior ** 2 + squares) / (PRIOR_WEIGHT + degrees));
}
