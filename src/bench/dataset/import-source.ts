import { UsageError } from '../../error.ts';
import { MAX_DIM } from './layout.ts';
import type { Metric } from './metric.ts';

/** Rows of numbers in some other program's file. They are read as a stream, any number of times. */
export interface Rows extends AsyncDisposable {
  readonly rows: number;
  readonly dim: number;
  /** All rows in order, some at a time; float32. */
  batches(): AsyncGenerator<Float32Array>;
  /** What was lost on the way: float64 becomes float32. */
  readonly notes: readonly string[];
}

/** Nearest ids per query, as another program found them. */
export interface ForeignTruth {
  readonly ids: Uint32Array;
  readonly neighbors: number;
}

/** A file to import: vectors, and whatever more it brings. */
export interface ImportSource extends AsyncDisposable {
  readonly vectors: Rows;
  readonly queries?: Rows;
  readonly groundTruth?: () => Promise<ForeignTruth>;
  readonly metric?: Metric;
}

/** What is held of another program's file, bytes: queries, ids. */
const MAX_HELD = 1 << 30;

export const BATCH_BYTES = 4 << 20;

/** How many rows make a batch. */
export function rowsPerBatch(dim: number): number {
  return Math.max(1, Math.floor(BATCH_BYTES / (dim * Float32Array.BYTES_PER_ELEMENT)));
}

/** @throws {UsageError} import-shape. */
export function expectShape(path: string, rows: number, dim: number): void {
  if (
    !Number.isSafeInteger(rows) ||
    rows < 1 ||
    rows > 2 ** 32 - 1 ||
    !Number.isInteger(dim) ||
    dim < 1 ||
    dim > MAX_DIM
  )
    throw new UsageError(
      'import-shape',
      `${path}: expected 1 to ${2 ** 32 - 1} rows of 1 to ${MAX_DIM} numbers, got ${rows} of ${dim}.`,
    );
}

/** All of it in memory. @throws {UsageError} dataset-too-large. */
export async function readAll(rows: Rows, path: string): Promise<Float32Array> {
  expectHeld(path, rows.rows * rows.dim * 4);
  const all = new Float32Array(rows.rows * rows.dim);
  let at = 0;
  for await (const batch of rows.batches()) {
    all.set(batch, at);
    at += batch.length;
  }
  return all;
}

/** @param bytes that would be held. @throws {UsageError} dataset-too-large. */
export function expectHeld(path: string, bytes: number): void {
  if (bytes > MAX_HELD)
    throw new UsageError(
      'dataset-too-large',
      `${path}: queries and ground truth are held in memory; expected up to ${MAX_HELD} bytes of them, got ${bytes}.`,
    );
}

/**
 * Ids as another program counted them, from 0.
 * @throws {UsageError} dataset-ground-truth, for one that no vector has.
 */
export function toIds(path: string, from: ArrayLike<number | bigint>, vectors: number): Uint32Array {
  const ids = new Uint32Array(from.length);
  for (let i = 0; i < ids.length; i++) {
    const id = Number(from[i]!);
    if (!(id >= 0 && id < vectors && Number.isInteger(id)))
      throw new UsageError(
        'dataset-ground-truth',
        `${path}: expected ids from 0 to ${vectors - 1} in the ground truth, got ${id}. Compute it with --recompute.`,
      );
    ids[i] = id;
  }
  return ids;
}
