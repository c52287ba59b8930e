import { UsageError } from '../../error.ts';
import { ClusteredVectors } from './clusters.ts';
import { computeGroundTruth } from './ground-truth.ts';
import { bytesOf, MAX_DIM } from './layout.ts';
import type { Metric } from './metric.ts';
import { searchOptions, type WorkOptions } from './progress.ts';
import { expectSpace } from './space.ts';
import { DatasetWriter } from './writer.ts';

export interface MakeOptions extends WorkOptions {
  /** Where to: `x` becomes `x.yaml` and `x.bin`. */
  readonly output: string;
  readonly name?: string;
  /** How many vectors. */
  readonly count: number;
  readonly dim: number;
  /** How many centres the vectors lie around; 100 without it, but not more than there are vectors. */
  readonly clusters?: number;
  /** Deviation around a centre, that of the centres being 1; 1.5 without it: at 10,000 x 64 and ef 10, HNSW finds three in four. */
  readonly spread?: number;
  /** 1,000 without it. */
  readonly queries?: number;
  /** Nearest ids per query; 100 without it. */
  readonly neighbors?: number;
  /** l2 without it. */
  readonly metric?: Metric;
  /** 1 without it. The same seed makes the same bytes. */
  readonly seed?: number;
  readonly force?: boolean;
}

/** Made and written at once, bytes. */
const BATCH_BYTES = 4 << 20;

/**
 * Makes a dataset of clustered vectors with queries and their exact ground truth.
 * @returns the path of its schema.
 * @throws {UsageError} dataset-make, dataset-exists, dataset-output; the signal's reason.
 */
export async function makeDataset(options: MakeOptions): Promise<string> {
  const { output, count, dim, metric = 'l2', seed = 1, spread = 1.5 } = options;
  const clusters = options.clusters ?? Math.min(100, count);
  const queryCount = options.queries ?? 1_000;
  const neighbors = options.neighbors ?? Math.min(100, count);
  expectWhole('--count', count, 1, 2 ** 32 - 1);
  expectWhole('--dim', dim, 1, MAX_DIM);
  expectWhole('--clusters', clusters, 1, Math.min(count, Math.floor(2 ** 27 / dim)));
  expectWhole('--queries', queryCount, 1, Math.floor(2 ** 28 / (dim + 2 * neighbors)));
  expectWhole('--neighbors', neighbors, 1, count);
  expectWhole('--seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (!(spread > 0 && spread <= 1000))
    throw new UsageError('dataset-make', `Expected --spread to be over 0 and up to 1000, got ${spread}.`);

  const shape = { dim, clusters, spread, seed };
  await expectSpace(output, count * dim * 4);
  await using writer = await DatasetWriter.create({
    output,
    ...(options.name !== undefined && { name: options.name }),
    ...(options.force && { force: true }),
    description: `${count} x ${dim} around ${clusters} centres, spread ${spread}, seed ${seed}`,
    dim,
    dtype: 'f32',
    metric,
  });
  const vectors = new ClusteredVectors(shape, 'vectors');
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (dim * bytesOf('f32'))));
  for (let start = 0; start < count; start += batch) {
    options.signal?.throwIfAborted();
    await writer.appendVectors(vectors.take(Math.min(batch, count - start)));
    options.onProgress?.({ phase: 'vectors', done: writer.vectors.count, of: count });
  }
  const queries = new ClusteredVectors(shape, 'queries').take(queryCount);
  await writer.appendQueries(queries);
  const job = { path: writer.path, vectors: writer.vectors, dim, dtype: 'f32', metric, queries } as const;
  const { ids } = await computeGroundTruth({ ...job, k: neighbors }, searchOptions(options));
  await writer.appendGroundTruth(ids, neighbors);
  return await writer.finish(); // awaited here, or its files are removed before
}

function expectWhole(flag: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new UsageError(
      'dataset-make',
      `Expected ${flag} to be a whole number from ${min} to ${max}, got ${value}.`,
    );
}
