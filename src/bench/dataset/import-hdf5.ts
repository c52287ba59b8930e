import type { Dataset as Hdf5Dataset, File as Hdf5File } from 'h5wasm/node';
import { messageOf, UsageError } from '../../error.ts';
import {
  expectHeld,
  expectShape,
  rowsPerBatch,
  toIds,
  type ForeignTruth,
  type ImportSource,
  type Rows,
} from './import-source.ts';
import { sizeOfFile } from './matrix-file.ts';
import { metricOf } from './metric.ts';

export const HDF5_MAGIC = Buffer.from('\u0089HDF\r\n\u001a\n', 'latin1');

/** Where vectors, queries and ids are found: ann-benchmarks' names first. */
const VECTORS = ['train', 'database', 'base'] as const;
const QUERIES = ['test', 'queries', 'query'] as const;
const IDS = ['neighbors', 'ground_truth'] as const;

/** gzip packs zeros 1032 to 1: what claims to unpack to more was never written. */
const MAX_RATIO = 2_000;

/**
 * Opens an HDF5 file in the layout of ann-benchmarks: `train`, `test`, `neighbors`, and the metric in the attribute
 * `distance`.
 * @throws {UsageError} import-hdf5, import-shape, dataset-metric.
 */
export async function openHdf5(path: string): Promise<ImportSource> {
  const bytes = await sizeOfFile(path);
  const { default: h5wasm } = await import('h5wasm/node');
  // Else HDF5 prints pages about every failure on our standard error.
  (await h5wasm.ready).activate_throwing_error_handler();
  const file = guard(path, 'it cannot be opened', () => new h5wasm.File(path, 'r'));
  try {
    const open = (names: readonly string[]): Hdf5Dataset | undefined =>
      find(file, names, h5wasm.Dataset, path);
    const vectors = open(VECTORS);
    if (!vectors)
      throw bad(path, `it has none of ${VECTORS.join(', ')}, but ${file.keys().join(', ') || 'nothing'}`);
    const queries = open(QUERIES);
    const ids = open(IDS);
    const metric = metricFrom(file, path);
    const rows = rowsOf(path, vectors, bytes);
    return {
      vectors: rows,
      ...(queries && { queries: rowsOf(path, queries, bytes) }),
      ...(ids && { groundTruth: () => Promise.resolve(readIds(path, ids, rows.rows, bytes)) }),
      ...(metric && { metric }),
      [Symbol.asyncDispose]: async () => void file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function find(
  file: Hdf5File,
  names: readonly string[],
  Dataset: typeof Hdf5Dataset,
  path: string,
): Hdf5Dataset | undefined {
  const keys = guard(path, 'its contents cannot be listed', () => file.keys());
  for (const name of names) {
    if (!keys.includes(name)) continue;
    const entity = guard(path, `${name} cannot be opened`, () => file.get(name));
    if (entity instanceof Dataset) return entity;
  }
  return undefined;
}

function rowsOf(path: string, dataset: Hdf5Dataset, fileBytes: number): Rows {
  const [rows, dim] = shapeOf(path, dataset, fileBytes);
  const size = rowsPerBatch(dim);
  return {
    rows,
    dim,
    notes:
      dataset.metadata.type === 1 && dataset.metadata.size === 8
        ? [`${path}: float64 was rounded to float32`]
        : [],
    async *batches() {
      for (let start = 0; start < rows; start += size)
        yield floatsOf(path, readSlice(path, dataset, start, Math.min(rows, start + size)));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function readIds(path: string, dataset: Hdf5Dataset, vectors: number, fileBytes: number): ForeignTruth {
  const [rows, neighbors] = shapeOf(path, dataset, fileBytes);
  expectHeld(path, rows * neighbors * 8);
  return { ids: toIds(path, readSlice(path, dataset, 0, rows), vectors), neighbors };
}

function shapeOf(path: string, dataset: Hdf5Dataset, fileBytes: number): [number, number] {
  const shape = guard(path, `${dataset.path} has no shape`, () => dataset.shape);
  if (shape?.length !== 2) throw bad(path, `${dataset.path} is no matrix`);
  const [rows, columns] = shape as [number, number];
  expectShape(`${path}:${dataset.path}`, rows, columns);
  const claimed = rows * columns * dataset.metadata.size;
  if (claimed > fileBytes * MAX_RATIO)
    throw bad(path, `${dataset.path} claims to hold ${claimed} bytes, and the file has ${fileBytes}`);
  return [rows, columns];
}

type Numbers = ArrayLike<number | bigint>;

function readSlice(path: string, dataset: Hdf5Dataset, from: number, to: number): Numbers {
  const value = guard(path, `${dataset.path} cannot be read`, () => dataset.slice([[from, to], []]));
  if (!ArrayBuffer.isView(value)) throw bad(path, `${dataset.path} does not hold numbers`);
  return value as unknown as Numbers;
}

function floatsOf(path: string, numbers: Numbers): Float32Array {
  if (numbers instanceof Float32Array) return numbers;
  if (numbers.length > 0 && typeof numbers[0] === 'bigint') return Float32Array.from(numbers, Number);
  const floats = Float32Array.from(numbers as ArrayLike<number>);
  if (floats.length !== numbers.length) throw bad(path, 'it does not hold numbers');
  return floats;
}

function metricFrom(file: Hdf5File, path: string): ReturnType<typeof metricOf> {
  const attribute = file.attrs['distance'];
  if (!attribute) return undefined;
  const value = guard(path, 'its attribute distance cannot be read', () => attribute.value);
  const metric = metricOf(String(value));
  if (!metric)
    throw new UsageError(
      'dataset-metric',
      `${path}: expected its distance to be euclidean, angular or dot, got "${String(value).slice(0, 40)}".`,
    );
  return metric;
}

/** HDF5's own errors become ours: what a damaged file makes it throw is of many kinds. */
function guard<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw bad(path, `${what} (${reasonOf(cause)})`, cause);
  }
}

/** HDF5 tells its whole stack: `#011: file line 189 in function(): bad byte number`. The deepest one is the reason. */
function reasonOf(cause: unknown): string {
  const text = messageOf(cause);
  return [...text.matchAll(/\(\): (.+)$/gm)].at(-1)?.[1] ?? text.split('\n', 1)[0]!;
}

function bad(path: string, what: string, cause?: unknown): UsageError {
  return new UsageError('import-hdf5', `${path}: expected HDF5 as ann-benchmarks writes it, but ${what}.`, {
    cause,
  });
}
