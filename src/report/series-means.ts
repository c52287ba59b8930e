import type { ReportSpan } from './report.ts';
import type { SeriesGroup } from './series.ts';

export interface MetricMean {
  readonly hook: string;
  readonly target: string;
  readonly name: string;
  readonly mean: number;
  /** Of samples. */
  readonly count: number;
}

/** The mean of each metric over a span; metrics without a sample in it are passed over. */
export function meansIn(series: readonly SeriesGroup[], { startMs, durationMs }: ReportSpan): MetricMean[] {
  return series.flatMap(({ hook, target, timesMs, values }) => {
    const inside = timesMs.flatMap((ms, index) =>
      ms >= startMs && ms <= startMs + durationMs ? [index] : [],
    );
    return Object.entries(values).flatMap(([name, points]) => {
      const known = inside.map((index) => points[index]).filter((value) => typeof value === 'number');
      if (known.length === 0) return [];
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      return [{ hook, target, name, mean, count: known.length }];
    });
  });
}
