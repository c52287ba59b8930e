import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UsageError } from '../../error.ts';
import type { DatasetLayout } from './layout.ts';
import { layoutOfHead, LEGACY_HEAD_BYTES, LEGACY_MAGIC } from './legacy.ts';
import type { Metric } from './metric.ts';
import { layoutOfSchema } from './schema.ts';

/** A schema is a page of text; what is larger is no schema. */
const MAX_SCHEMA_BYTES = 128 << 10;

export interface LocatedDataset {
  /** The file with the vectors. */
  readonly path: string;
  /** The schema beside it, where there is one. */
  readonly schemaPath?: string;
  readonly layout: DatasetLayout;
}

/**
 * Finds out the format of a dataset and where everything lies in it. Nothing but its head or schema is read.
 * @param path of the .bin, of the .yaml, or of both without their endings.
 * @throws {UsageError} dataset-missing, dataset-format, and whatever is wrong with its head or schema.
 */
export async function locateDataset(path: string, metric?: Metric): Promise<LocatedDataset> {
  const stem = path.replace(/\.(?:bin|ya?ml)$/, '');
  const given = /\.ya?ml$/.test(path) ? path : undefined;
  const data = given || !(await isFile(path)) ? `${stem}.bin` : path;
  const bytes = await sizeOf(data, path);
  const schemaPath = given ?? (await firstFile([`${stem}.yaml`, `${stem}.yml`]));
  const otherName = basename(stem);
  if (schemaPath === undefined) {
    const layout = layoutOfHead(await readHead(data), data, bytes, metric, otherName);
    return { path: data, layout };
  }
  const layout = layoutOfSchema(await readSchema(schemaPath), schemaPath, bytes, otherName);
  if (metric === undefined) return { path: data, schemaPath, layout };
  return { path: data, schemaPath, layout: { ...layout, metric, metricOrigin: { state: 'overridden' } } };
}

async function readHead(path: string): Promise<Buffer> {
  await using file = await openFile(path);
  const head = Buffer.alloc(LEGACY_HEAD_BYTES);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  if (bytesRead < 4 || head.readUInt32LE(0) !== LEGACY_MAGIC)
    throw new UsageError(
      'dataset-format',
      `${path}: expected a .yaml schema beside it, or the head of a legacy dataset at its start, found neither. Other formats: stagewatch dataset import ${path}`,
    );
  return head.subarray(0, bytesRead);
}

async function readSchema(path: string): Promise<string> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (size > MAX_SCHEMA_BYTES)
    throw new UsageError(
      'dataset-schema',
      `${path}: expected up to ${MAX_SCHEMA_BYTES} bytes of YAML, got ${size}.`,
    );
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

async function sizeOf(data: string, given: string): Promise<bigint> {
  try {
    const found = await stat(data, { bigint: true });
    if (!found.isFile()) throw new Error('it is no regular file');
    return found.size;
  } catch (cause) {
    throw unreadable(data === given ? given : `${given} (its data in ${data})`, cause);
  }
}

/** @throws {UsageError} dataset-missing. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Only regular files: opening a pipe would wait for its writer. */
async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path;
  return undefined;
}

function unreadable(path: string, cause: unknown): UsageError {
  return new UsageError(
    'dataset-missing',
    `Expected a dataset that can be read, got ${path}: ${messageOf(cause)}`,
    {
      cause,
    },
  );
}
