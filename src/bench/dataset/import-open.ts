import { extname } from 'node:path';
import { UsageError } from '../../error.ts';
import { HDF5_MAGIC, openHdf5 } from './import-hdf5.ts';
import { openJsonLines } from './import-jsonl.ts';
import { NPY_MAGIC, openNpy } from './import-npy.ts';
import { expectHeld, toIds, type ForeignTruth, type ImportSource, type Rows } from './import-source.ts';
import { openVecs } from './import-vecs.ts';
import { openFile } from './layout-of-file.ts';
import { sizeOfFile, type MatrixFile } from './matrix-file.ts';

type Kind = 'hdf5' | 'npy' | 'fvecs' | 'bvecs' | 'ivecs' | 'jsonl';

const ENDINGS: Readonly<Record<string, Kind>> = {
  '.hdf5': 'hdf5',
  '.h5': 'hdf5',
  '.npy': 'npy',
  '.fvecs': 'fvecs',
  '.bvecs': 'bvecs',
  '.ivecs': 'ivecs',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/**
 * Opens a file of another program's vectors, by its first bytes or else its ending.
 * @param field for JSON lines. @throws {UsageError} import-format, and whatever is wrong with the file.
 */
export async function openImport(path: string, field?: string): Promise<ImportSource> {
  const kind = await kindOf(path);
  if (kind === 'hdf5') return openHdf5(path);
  const vectors = await openRows(path, kind, field);
  return { vectors, [Symbol.asyncDispose]: () => vectors[Symbol.asyncDispose]() };
}

/** Opens a file of queries. */
export async function openQueries(path: string, field?: string): Promise<Rows> {
  return openRows(path, await kindOf(path), field);
}

/** Reads a file of ids: ivecs or npy of whole numbers. @param vectors how many there are. */
export async function readForeignTruth(path: string, vectors: number): Promise<ForeignTruth> {
  const kind = await kindOf(path);
  if (kind !== 'ivecs' && kind !== 'npy')
    throw new UsageError('import-format', `Expected the ground truth to be .ivecs or .npy, got ${path}.`);
  await using matrix: MatrixFile = await (kind === 'npy' ? openNpy(path) : openVecs(path, kind));
  expectHeld(path, matrix.rows * matrix.dim * 8);
  return { ids: toIds(path, await matrix.readAll(), vectors), neighbors: matrix.dim };
}

function openRows(path: string, kind: Kind, field: string | undefined): Promise<Rows> {
  if (kind === 'npy') return openNpy(path);
  if (kind === 'jsonl') return openJsonLines(path, field);
  if (kind === 'fvecs' || kind === 'bvecs') return openVecs(path, kind);
  throw new UsageError('import-format', `Expected vectors in .fvecs, .bvecs, .npy or .jsonl, got ${path}.`);
}

async function kindOf(path: string): Promise<Kind> {
  await sizeOfFile(path);
  const start = Buffer.alloc(8);
  await using file = await openFile(path);
  await file.read(start, 0, start.length, 0);
  if (start.equals(HDF5_MAGIC)) return 'hdf5';
  if (start.subarray(0, NPY_MAGIC.length).equals(NPY_MAGIC)) return 'npy';
  const ending = extname(path).toLowerCase();
  const kind = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
  if (kind) return kind;
  throw new UsageError(
    'import-format',
    `Expected a file to import that ends in ${Object.keys(ENDINGS).join(', ')}, got ${path}.`,
  );
}
