import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { UsageError, messageOf } from '../../error.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import { datasetPathsFor } from '../dataset/names.ts';
import { layoutOfSchema } from '../dataset/schema.ts';

/** A schema and the vectors that it describes. */
export interface SchemaDataset {
  readonly schemaPath: string;
  readonly dataPath: string;
  readonly layout: DatasetLayout;
}

/**
 * The two files of a schema-driven dataset, for a program that reads no other format.
 * @param name as `stagewatch dataset` takes it: a path, or a name that is looked for.
 * @throws {UsageError} dataset-missing; legacy-dataset, with the command that converts it; whatever is wrong with the schema.
 */
export function findSchemaDataset(name: string, program: string): SchemaDataset {
  const found = datasetPathsFor(name).find((path) => isFile(path));
  if (found === undefined)
    throw new UsageError(
      'dataset-missing',
      `Expected a dataset, got "${name}": there is no such file, with or without .bin or .yaml, in $BENCHMARK_HOME/datasets, ./datasets or the working folder.`,
    );
  const stem = found.replace(/\.(?:bin|ya?ml)$/, '');
  const schemaPath = [found, `${stem}.yaml`, `${stem}.yml`].find(
    (path) => /\.ya?ml$/.test(path) && isFile(path),
  );
  const dataPath = /\.ya?ml$/.test(found) ? `${stem}.bin` : found;
  if (schemaPath === undefined)
    throw new UsageError(
      'legacy-dataset',
      `Expected a dataset with a schema, since ${program} reads no other, but there is no .yaml beside ${found}. Make one with: stagewatch dataset convert ${found} --output ${stem}-schema, and use --dataset ${stem}-schema`,
    );
  try {
    const { size } = statSync(dataPath, { bigint: true });
    const layout = layoutOfSchema(readFileSync(schemaPath, 'utf8'), schemaPath, size, basename(stem));
    return { schemaPath, dataPath, layout };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      'dataset-missing',
      `Expected ${schemaPath} and ${dataPath} to be files that can be read: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
