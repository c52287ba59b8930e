import { mean, median } from '../stats/mean.ts';
import { configKey } from './config-key.ts';
import type { FrontierPoint, Trial } from './contract.ts';
import type { BenchmarkResult } from '../bench/result.ts';

/**
 * The points that no other beats in recall, QPS and p99 at once, by ascending recall, then QPS. Runs of one
 * configuration are one point: the mean of QPS and recall, the median of p99.
 */
export function frontierOf(trials: readonly Trial[]): FrontierPoint[] {
  const points = pointsOf(trials);
  return points
    .filter((point) => !points.some((other) => dominates(other, point)))
    .toSorted((a, b) => recallOf(a) - recallOf(b) || a.qps - b.qps || b.latencyP99 - a.latencyP99);
}

/** Every configuration that was measured, in the order of its first run. */
export function pointsOf(trials: readonly Trial[]): FrontierPoint[] {
  const runs = new Map<string, BenchmarkResult[]>();
  for (const { config, outcome } of trials) {
    if (outcome.state !== 'measured') continue;
    const key = configKey(config);
    runs.set(key, [...(runs.get(key) ?? []), outcome.result]);
  }
  return [...runs.values()].map((results) => {
    const recalls = results.map((result) => result.recallAvg).filter((recall) => recall !== null);
    return {
      config: results[0]!.config,
      qps: mean(results.map((result) => result.qps)),
      recallAvg: recalls.length === 0 ? null : mean(recalls),
      latencyP99: median(results.map((result) => result.latencyP99)),
      runs: results.length,
    };
  });
}

function dominates(a: FrontierPoint, b: FrontierPoint): boolean {
  const noWorse = a.qps >= b.qps && a.latencyP99 <= b.latencyP99 && recallOf(a) >= recallOf(b);
  return noWorse && (a.qps > b.qps || a.latencyP99 < b.latencyP99 || recallOf(a) > recallOf(b));
}

function recallOf(point: FrontierPoint): number {
  return point.recallAvg ?? 0;
}
