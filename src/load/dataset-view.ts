import { generateIndexName, generateSearchPrefix, requireDatasetPath } from '../bench/dataset/names.ts';
import { openDataset } from '../bench/dataset/open.ts';
import type { VectorsOnDisk } from './vector-blocks.ts';

/** What a load needs of a dataset; it can be sent to a worker. The queries and their answers are shared, not copied. */
export interface DatasetView {
  readonly name: string;
  readonly count: number;
  readonly dim: number;
  readonly metric: 'l2' | 'ip' | 'cosine';
  readonly vectors: VectorsOnDisk;
  readonly queryCount: number;
  /** queryCount x dim float32. */
  readonly queries: SharedArrayBuffer;
  /** True nearest ids of each query. */
  readonly neighbors: number;
  /** queryCount x neighbors uint32. */
  readonly groundTruth: SharedArrayBuffer;
  readonly defaultIndex: string;
  readonly defaultPrefix: string;
}

/** @throws {UsageError} those of `openDataset`: sizes are verified before anything is trusted. */
export async function viewDataset(nameOrPath: string): Promise<DatasetView> {
  await using dataset = await openDataset(await requireDatasetPath(nameOrPath));
  const { name, count, dim, metric, dtype, layout, queryCount, neighbors } = dataset;
  const { offset, stride } = layout.vectors;
  return {
    name,
    count,
    dim,
    metric,
    vectors: { path: dataset.path, offset, stride, count, dim, dtype },
    queryCount,
    queries: shared(dataset.queries),
    neighbors,
    groundTruth: shared(dataset.groundTruth),
    defaultIndex: generateIndexName(name, count, dim, neighbors),
    defaultPrefix: generateSearchPrefix(name),
  };
}

function shared(words: Float32Array | Uint32Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(words.byteLength);
  new Uint8Array(buffer).set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  return buffer;
}
