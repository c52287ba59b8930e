import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../error.ts';
import { locateDataset } from './layout-of-file.ts';
import type { Metric } from './metric.ts';

/** What a benchmark needs to know of a dataset before it is loaded. */
export interface DatasetInfo {
  readonly name: string;
  /** The file with the vectors. */
  readonly path: string;
  /** The schema beside it; absent for the legacy format. */
  readonly schemaPath?: string;
  readonly format: 'schema' | 'legacy';
  readonly count: number;
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
  readonly metric: Metric;
  readonly queryCount: number;
  /** Neighbours per query in the ground truth; 0 without one. */
  readonly neighbors: number;
  readonly fieldName: string;
}

/**
 * Looks for a dataset by its name in `$BENCHMARK_HOME/datasets`, `./datasets` and `.`, with or without `.bin` or
 * `.yaml`. A path is taken as it is.
 * @returns the file found, or undefined.
 */
export async function findDatasetPath(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
  workingFolder = process.cwd(),
): Promise<string | undefined> {
  for (const path of datasetPathsFor(name, environment, workingFolder)) if (await isFile(path)) return path;
  return undefined;
}

/** Where `findDatasetPath` looks, in order. */
export function datasetPathsFor(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
  workingFolder = process.cwd(),
): string[] {
  return foldersFor(name, environment, workingFolder).flatMap((folder) =>
    ['', '.bin', '.yaml', '.yml'].map((ending) =>
      name.startsWith('/') ? `${name}${ending}` : join(folder, `${name}${ending}`),
    ),
  );
}

/** The same for a command. @throws {UsageError} dataset-missing, with where it was looked for. */
export async function requireDatasetPath(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
  workingFolder = process.cwd(),
): Promise<string> {
  const found = await findDatasetPath(name, environment, workingFolder);
  if (found !== undefined) return found;
  throw new UsageError(
    'dataset-missing',
    `Expected a dataset, got "${name}": no such file, with or without .bin or .yaml, in ${foldersFor(name, environment, workingFolder).join(', ')}. Make one with: stagewatch dataset make --count 10000 --dim 64 --output ${name.replace(/\.(?:bin|ya?ml)$/, '')}`,
  );
}

/** Everything about a dataset but its contents. @throws {UsageError} as `openDataset`. */
export async function detectDatasetInfo(path: string, metric?: Metric): Promise<DatasetInfo> {
  const { path: data, schemaPath, layout } = await locateDataset(path, metric);
  return {
    name: layout.name,
    path: data,
    ...(schemaPath !== undefined && { schemaPath }),
    format: layout.format,
    count: layout.vectors.count,
    dim: layout.dim,
    dtype: layout.dtype,
    metric: layout.metric,
    queryCount: layout.queries.count,
    neighbors: layout.groundTruth.neighbors,
    fieldName: layout.fieldName,
  };
}

/** `mnist-10K-784-100`: the name of the index that a dataset is loaded into. @param k neighbours asked for. */
export function generateIndexName(name: string, count: number, dim: number, k: number): string {
  return `${name}-${roundCount(count)}-${dim}-${k}`;
}

/** `zvec_cohere1m:` of `cohere-medium-1m`: what the keys of a dataset begin with. */
export function generateSearchPrefix(name: string): string {
  const words = name.split(/[-_]/).filter((word) => !/^(?:small|medium|large)$/i.test(word));
  return `zvec_${words.join('') || name.replaceAll(/[-_]/g, '')}:`;
}

/** Whole millions or thousands, rounded down. */
function roundCount(count: number): string {
  if (count >= 1_000_000) return `${Math.floor(count / 1_000_000)}M`;
  return count >= 1_000 ? `${Math.floor(count / 1_000)}K` : String(count);
}

function foldersFor(name: string, environment: NodeJS.ProcessEnv, workingFolder: string): string[] {
  if (name.startsWith('/') || name.startsWith('./') || name.startsWith('../')) return [workingFolder];
  const home = environment['BENCHMARK_HOME'];
  return [...(home ? [join(home, 'datasets')] : []), join(workingFolder, 'datasets'), workingFolder];
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
