import { UsageError } from '../../error.ts';
import type { Metric, MetricOrigin } from './metric.ts';

/** Where everything lies in a dataset's file. All figures are verified against the file's size. */
export interface DatasetLayout {
  readonly name: string;
  readonly format: 'schema' | 'legacy';
  readonly fieldName: string;
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
  readonly metric: Metric;
  readonly metricOrigin: MetricOrigin;
  /** `offset` is that of the first vector itself, not of the record around it. */
  readonly vectors: VectorSection;
  readonly queries: VectorSection;
  readonly groundTruth: { readonly offset: number; readonly idBytes: 4 | 8; readonly neighbors: number };
  readonly keys: KeysLayout;
}

/** Bytes, but for `count`. */
export interface VectorSection {
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

export type KeysLayout =
  | { readonly state: 'none' }
  | { readonly state: 'pattern'; readonly pattern: string }
  | {
      readonly state: 'stored';
      readonly offset: number;
      readonly entryBytes: number;
      readonly lengthPrefix: boolean;
    };

/** Far over what any server takes (valkey-search: 64,000), and small enough for one vector to be held. */
export const MAX_DIM = 1 << 20;

/** Record numbers fit into 32 bits: a dataset of more has terabytes. */
const MAX_COUNT = 2 ** 32 - 1;

/** Queries and ground truth are held in memory: up to here, bytes. */
const MAX_HELD = 1 << 30;

/** @returns how many bytes one number takes. */
export function bytesOf(dtype: 'f32' | 'f16'): 2 | 4 {
  return dtype === 'f32' ? 4 : 2;
}

/**
 * Refuses what would not fit into memory, before any of it is allocated.
 * @throws {UsageError} dataset-too-large, dataset-header.
 */
export function checkLimits(layout: DatasetLayout, path: string): DatasetLayout {
  const { dim, vectors, queries, groundTruth } = layout;
  if (dim < 1 || dim > MAX_DIM)
    throw new UsageError('dataset-header', `${path}: expected 1 to ${MAX_DIM} dimensions, got ${dim}.`);
  if (vectors.count < 1)
    throw new UsageError('dataset-header', `${path}: expected at least one vector, got none.`);
  if (vectors.count > MAX_COUNT)
    throw new UsageError(
      'dataset-too-large',
      `${path}: expected up to ${MAX_COUNT} vectors, got ${vectors.count}.`,
    );
  if (groundTruth.neighbors > vectors.count)
    throw new UsageError(
      'dataset-header',
      `${path}: expected up to ${vectors.count} neighbours per query, as many as there are vectors, got ${groundTruth.neighbors}.`,
    );
  const held = queries.count * (dim * 4 + groundTruth.neighbors * 8);
  if (held > MAX_HELD)
    throw new UsageError(
      'dataset-too-large',
      `${path}: its ${queries.count} queries and their ground truth are held in memory and would take ${mebibytes(held)}; expected up to ${mebibytes(MAX_HELD)}.`,
    );
  return layout;
}

/** `12.3 MiB`, for messages. @param bytes number or bigint. */
export function mebibytes(bytes: number | bigint): string {
  return `${(Number(bytes) / 2 ** 20).toFixed(1)} MiB`;
}
