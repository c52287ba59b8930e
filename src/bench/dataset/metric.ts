import { UsageError } from '../../error.ts';

/** How near two vectors are: squared Euclidean distance, inner product, or the cosine of their angle. */
export type Metric = 'l2' | 'ip' | 'cosine';

export const METRICS: readonly Metric[] = ['l2', 'ip', 'cosine'];

/** Where a dataset's metric comes from: not every format says it, and one says it in two ways. */
export type MetricOrigin =
  | { readonly state: 'declared' }
  | { readonly state: 'assumed' } // nothing said: l2, as the benchmarks that read this format take it
  | { readonly state: 'code'; readonly code: number; readonly ambiguous: boolean }
  | { readonly state: 'overridden' };

/** The names that writers of datasets use, beside ours. */
const ALIASES: Readonly<Record<string, Metric>> = {
  l2: 'l2',
  euclidean: 'l2',
  ip: 'ip',
  dot: 'ip',
  inner_product: 'ip',
  innerproduct: 'ip',
  cosine: 'cosine',
  angular: 'cosine',
};

/** The metric of that name, in any spelling that we know. */
export function metricOf(name: string): Metric | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(ALIASES, key) ? ALIASES[key] : undefined;
}

/**
 * What a legacy head's code means. Its writers disagree on 1 and 2; this is the order of the C benchmark that the
 * format comes from, and the ground truth can tell (see `checkDataset`).
 */
export function metricOfLegacyCode(code: number): { metric: Metric; origin: MetricOrigin } {
  const metric = (['l2', 'cosine', 'ip'] as const)[code];
  if (metric === undefined)
    throw new UsageError(
      'dataset-metric',
      `Expected the metric code of the head to be 0, 1 or 2, got ${code}. Say which it is with --metric.`,
    );
  return { metric, origin: { state: 'code', code, ambiguous: code !== 0 } };
}
