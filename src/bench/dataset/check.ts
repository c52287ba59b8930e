import { neighborsOf, queryOf, type Dataset } from './dataset.ts';
import { computeGroundTruth } from './ground-truth.ts';
import { METRICS, type Metric } from './metric.ts';
import { searchOptions, type WorkOptions } from './progress.ts';
import { compareNeighbors, type Verdict } from './verdict.ts';

export interface CheckOptions extends WorkOptions {
  /** How many queries are searched again, evenly spaced; 100 without it. */
  readonly sample?: number;
}

export interface CheckReport {
  /** Vectors and queries with a NaN or an infinity, and the first one. */
  readonly notFinite: { readonly count: number; readonly first?: string };
  /** Vectors that are all zeros: they have no cosine. */
  readonly zeroVectors: number;
  readonly groundTruth: GroundTruthCheck;
}

export type GroundTruthCheck =
  | { readonly state: 'absent' }
  | { readonly state: 'skipped'; readonly reason: string }
  | {
      readonly state: 'checked';
      readonly queries: number;
      readonly right: number;
      /** Of these, those that list other ids at the same distance. */
      readonly tied: number;
      readonly wrong: readonly { readonly query: number; readonly reason: string }[];
      /** Where some are wrong: the other metrics by which they would be right. */
      readonly agreesWith: readonly Metric[];
    };

const SAMPLE = 100;
/** A metric is recognised by this many queries. */
const METRIC_SAMPLE = 10;

/**
 * Reads every vector, and searches a sample of the queries again by brute force.
 * @throws the signal's reason.
 */
export async function checkDataset(dataset: Dataset, options: CheckOptions = {}): Promise<CheckReport> {
  let notFinite = 0;
  let first: string | undefined;
  let zeroVectors = 0;
  const look = (vectors: Float32Array, what: string, from: number): void => {
    for (let i = 0; i * dataset.dim < vectors.length; i++) {
      const kind = kindOf(vectors, i * dataset.dim, (i + 1) * dataset.dim);
      if (kind === 'zero' && what === 'vector') zeroVectors++;
      if (kind !== 'not-finite') continue;
      notFinite++;
      first ??= `${what} ${from + i}`;
    }
  };
  for await (const { start, count, vectors } of dataset.batches()) {
    options.signal?.throwIfAborted();
    look(vectors, 'vector', start);
    options.onProgress?.({ phase: 'vectors', done: start + count, of: dataset.count });
  }
  look(dataset.queries, 'query', 0);
  return {
    notFinite: { count: notFinite, ...(first !== undefined && { first }) },
    zeroVectors,
    groundTruth: await checkGroundTruth(dataset, notFinite > 0, options),
  };
}

async function checkGroundTruth(
  dataset: Dataset,
  hasNotFinite: boolean,
  options: CheckOptions,
): Promise<GroundTruthCheck> {
  if (dataset.queryCount === 0 || dataset.neighbors === 0) return { state: 'absent' };
  if (hasNotFinite) return { state: 'skipped', reason: 'some numbers are not finite' };
  const sample = sampleOf(dataset.queryCount, options.sample ?? SAMPLE);
  const verdicts = await verdictsOf(dataset, dataset.metric, sample, options);
  const wrong = verdicts.flatMap((verdict, i) =>
    verdict.state === 'wrong' ? [{ query: sample[i]!, reason: verdict.reason }] : [],
  );
  return {
    state: 'checked',
    queries: sample.length,
    right: sample.length - wrong.length,
    tied: verdicts.filter(({ state }) => state === 'tied').length,
    wrong,
    agreesWith:
      wrong.length === 0
        ? []
        : (await metricsThatAgree(dataset, options)).filter((metric) => metric !== dataset.metric),
  };
}

/** The metrics by which the ground truth of a few queries is right: it tells more than a head that is in doubt. */
export async function metricsThatAgree(dataset: Dataset, options: WorkOptions = {}): Promise<Metric[]> {
  const sample = sampleOf(dataset.queryCount, METRIC_SAMPLE);
  const agreeing: Metric[] = [];
  for (const metric of METRICS) {
    const verdicts = await verdictsOf(dataset, metric, sample, options);
    if (verdicts.every(({ state }) => state !== 'wrong')) agreeing.push(metric);
  }
  return agreeing;
}

async function verdictsOf(
  dataset: Dataset,
  metric: Metric,
  sample: readonly number[],
  options: WorkOptions,
): Promise<Verdict[]> {
  const { dim, dtype, neighbors: k } = dataset;
  const queries = new Float32Array(sample.length * dim);
  sample.forEach((query, i) => queries.set(queryOf(dataset, query), i * dim));
  const job = { path: dataset.path, vectors: dataset.layout.vectors, dim, dtype, metric, queries, k };
  const { ids, scores } = await computeGroundTruth(job, searchOptions(options));
  const verdicts: Verdict[] = [];
  for (const [i, query] of sample.entries())
    verdicts.push(
      await compareNeighbors(dataset, metric, queryOf(dataset, query), neighborsOf(dataset, query), {
        ids: ids.subarray(i * k, (i + 1) * k),
        scores: scores.subarray(i * k, (i + 1) * k),
      }),
    );
  return verdicts;
}

/** Up to `wanted` of 0 to `count` - 1, evenly spaced. */
function sampleOf(count: number, wanted: number): number[] {
  const size = Math.min(count, wanted);
  return Array.from({ length: size }, (_, i) => Math.floor((i * count) / size));
}

function kindOf(vectors: Float32Array, from: number, to: number): 'zero' | 'finite' | 'not-finite' {
  let isZero = true;
  for (let i = from; i < to; i++) {
    const x = vectors[i]!;
    if (!Number.isFinite(x)) return 'not-finite';
    if (x !== 0) isZero = false;
  }
  return isZero ? 'zero' : 'finite';
}
