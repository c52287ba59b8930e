import type { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkResult, type ResultWarning } from '../bench/result.ts';
import { mean, meanInterval, median } from '../stats/mean.ts';
import type { Best } from './contract.ts';

/** A point as its runs show it. @param results not empty. */
export function summarise(config: BenchmarkConfig, results: readonly BenchmarkResult[]): Best {
  return {
    config,
    result: combined(config, results),
    runs: results.length,
    qpsInterval: qpsInterval(results),
  };
}

/** No rate is below 0: two noisy runs alone would say so. */
function qpsInterval(results: readonly BenchmarkResult[]): Best['qpsInterval'] {
  const interval = meanInterval(results.map((result) => result.qps));
  return interval && [Math.max(0, interval[0]), interval[1]];
}

/** Means of QPS and recall, medians of latencies; errors and requests of all runs together. */
function combined(config: BenchmarkConfig, results: readonly BenchmarkResult[]): BenchmarkResult {
  const last = results.at(-1)!;
  if (results.length === 1) return last;
  const medianOf = (read: (result: BenchmarkResult) => number): number => median(results.map(read));
  const known = (read: (result: BenchmarkResult) => number | null): number[] =>
    results.map(read).filter((value) => value !== null);
  const over = (values: readonly number[], reduce: (values: readonly number[]) => number): number | null =>
    values.length === 0 ? null : reduce(values);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return new BenchmarkResult({
    ...last,
    config,
    qps: mean(results.map((result) => result.qps)),
    latencyAvg: medianOf((result) => result.latencyAvg),
    latencyP50: medianOf((result) => result.latencyP50),
    latencyP95: medianOf((result) => result.latencyP95),
    latencyP99: medianOf((result) => result.latencyP99),
    latencyMax: medianOf((result) => result.latencyMax),
    recallAvg: over(
      known((result) => result.recallAvg),
      mean,
    ),
    recallMin: over(
      known((result) => result.recallMin),
      (values) => Math.min(...values),
    ),
    recallMax: over(
      known((result) => result.recallMax),
      (values) => Math.max(...values),
    ),
    baselineLatencyAvg: over(
      known((result) => result.baselineLatencyAvg),
      median,
    ),
    errors: summed(results.flatMap((result) => result.errors)),
    requests: over(
      known((result) => result.requests),
      sum,
    ),
    durationMs: over(
      known((result) => result.durationMs),
      sum,
    ),
    warnings: unique(results.flatMap((result) => result.warnings)),
  });
}

function summed(
  errors: readonly { readonly kind: string; readonly count: number }[],
): { kind: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { kind, count } of errors) counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts].map(([kind, count]) => ({ kind, count }));
}

function unique(warnings: readonly ResultWarning[]): ResultWarning[] {
  return [...new Map(warnings.map((warning) => [`${warning.code} ${warning.message}`, warning])).values()];
}
