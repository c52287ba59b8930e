import type { DatasetLayout } from './layout.ts';

/** Some vectors of a dataset, in the order of their ids. */
export interface VectorBatch {
  /** The id of the first one. */
  readonly start: number;
  readonly count: number;
  /** count x dim numbers. */
  readonly vectors: Float32Array;
}

/** Keys that a dataset brings along. Without them they follow from the ids. */
export type DatasetKeys =
  | { readonly state: 'pattern'; readonly pattern: string }
  | { readonly state: 'stored'; readonly read: (start: number, count: number) => Promise<string[]> };

/**
 * Vectors to load, queries, and the right answers. The vectors stay on disk and are read as a stream, so that a set
 * may be larger than memory; queries and ground truth are held.
 */
export interface Dataset extends AsyncDisposable {
  readonly name: string;
  /** The file with the vectors. */
  readonly path: string;
  readonly layout: DatasetLayout;
  readonly format: DatasetLayout['format'];
  /** How many vectors; their ids are 0 to count - 1. */
  readonly count: number;
  readonly dim: number;
  /** How the vectors are stored; they are always read as float32. */
  readonly dtype: DatasetLayout['dtype'];
  readonly metric: DatasetLayout['metric'];
  /** The field that a loader writes the vector into. */
  readonly fieldName: string;
  readonly queryCount: number;
  /** How many nearest ids the ground truth has of each query; 0 without a ground truth. */
  readonly neighbors: number;
  /** queryCount x dim. */
  readonly queries: Float32Array;
  /** queryCount x neighbors ids, nearest first; each is below `count`. */
  readonly groundTruth: Uint32Array;
  readonly keys?: DatasetKeys;
  /** @throws {RangeError} outside 0 to count - 1, or over 1 GiB at once. */
  readVectors(start: number, count: number): Promise<Float32Array>;
  /** The same as stored, packed: `dim` times 4 or 2 bytes each. */
  readRaw(start: number, count: number): Promise<Uint8Array>;
  /** The queries as stored. */
  readRawQueries(): Promise<Uint8Array>;
  /** All vectors, in order. @param batch how many at once; without it, about 4 MiB. */
  batches(batch?: number): AsyncGenerator<VectorBatch>;
  close(): Promise<void>;
}

/** One query's row of the held queries. */
export function queryOf(dataset: Pick<Dataset, 'queries' | 'dim'>, query: number): Float32Array {
  return dataset.queries.subarray(query * dataset.dim, (query + 1) * dataset.dim);
}

/** The ids nearest to one query, nearest first. */
export function neighborsOf(dataset: Pick<Dataset, 'groundTruth' | 'neighbors'>, query: number): Uint32Array {
  return dataset.groundTruth.subarray(query * dataset.neighbors, (query + 1) * dataset.neighbors);
}
