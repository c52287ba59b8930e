import { UsageError } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import { generateIndexName, generateSearchPrefix } from '../dataset/names.ts';
import type { IdentifiedBinary } from './identify.ts';
import { findSchemaDataset, type SchemaDataset } from './schema-dataset.ts';
import { isMix, isVectorOperation, normalised, threadsOf, wholeSeconds } from './settings.ts';

/**
 * What stands behind the program's name. It swallows a flag that it does not know and everything after it without a
 * word: only flags of its own help are passed, and what users add comes last.
 * @param outputFile for `-o`.
 * @throws {UsageError} flag-missing, whole-seconds, legacy-dataset, ...
 */
export function valkeyBenchRsArguments(
  config: BenchmarkConfig,
  how: { readonly cluster: boolean; readonly binary: IdentifiedBinary; readonly outputFile?: string },
): string[] {
  const { program, version, flags } = how.binary;
  const flag = (name: string, value?: string | number): string[] => {
    if (!flags.has(name))
      throw new UsageError(
        'flag-missing',
        `Expected no ${name} with ${program} ${version}, which does not have it: it would ignore everything after it. Use --driver builtin.`,
      );
    return value === undefined ? [name] : [name, String(value)];
  };
  const given = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : flag(name, value);
  const { operation, durationMs, pipeline } = config;
  return [
    ...flag('-h', config.host),
    ...flag('-p', config.port),
    ...tlsArguments(config, flag),
    ...(how.cluster ? flag('--cluster') : []),
    ...flag('-c', config.numClients),
    ...flag('--threads', threadsOf(config)),
    ...given('-P', pipeline === 1 ? undefined : pipeline),
    ...(durationMs === undefined
      ? flag('-n', requestsOf(config))
      : flag('--duration', wholeSeconds(durationMs, 'duration', program))),
    ...given('--rps', config.rps === undefined ? undefined : Math.max(1, Math.round(config.rps))),
    ...given('-r', config.keyspace),
    ...given('-d', config.dataSize === 3 ? undefined : config.dataSize),
    ...given('--seed', config.seed),
    ...(isVectorOperation(operation) ? vectorArguments(config, program, flag, given) : []),
    ...given('-o', how.outputFile),
    ...config.prefixArgs,
    ...(isMix(operation) ? flag('--parallel', operation) : flag('-t', normalised(operation))),
    ...config.extraArgs,
  ];
}

/** Whole batches: it would round up by itself. */
export function requestsOf({ numRequests, pipeline }: BenchmarkConfig): number {
  return Math.ceil(numRequests / pipeline) * pipeline;
}

/** As our own load generator names them: what one of the two loads the other one finds. */
export function indexOf(
  config: BenchmarkConfig,
  { layout }: SchemaDataset,
): { readonly index: string; readonly prefix: string } {
  const { name, vectors, dim, groundTruth } = layout;
  return {
    index: config.searchIndex ?? generateIndexName(name, vectors.count, dim, groundTruth.neighbors),
    prefix: config.searchPrefix ?? generateSearchPrefix(name),
  };
}

/** @throws {UsageError} no-dataset, and those of the dataset. */
export function datasetOf({ dataset, operation }: BenchmarkConfig, program: string): SchemaDataset {
  if (dataset === undefined)
    throw new UsageError('no-dataset', `Expected a dataset with ${operation}: --dataset NAME.`);
  return findSchemaDataset(dataset, program);
}

function vectorArguments(
  config: BenchmarkConfig,
  program: string,
  flag: (name: string, value?: string | number) => string[],
  given: (name: string, value: string | number | undefined) => string[],
): string[] {
  const dataset = datasetOf(config, program);
  const { index, prefix } = indexOf(config, dataset);
  return [
    ...flag('--schema', dataset.schemaPath),
    ...flag('--data', dataset.dataPath),
    ...flag('-k', config.k),
    ...given('--ef-search', config.efSearch),
    ...flag('--search-index', index),
    ...flag('--search-prefix', prefix),
    ...given('--search-vector-field', config.searchVectorField),
    ...given('--hnsw-m', config.hnswM),
    ...given('--ef-construction', config.efConstruction),
  ];
}

function tlsArguments({ tls }: BenchmarkConfig, flag: (name: string, value?: string) => string[]): string[] {
  if (tls === undefined) return [];
  const { ca, cert, key, sni, skipVerify } = tls;
  return [
    ...flag('--tls'),
    ...(ca === undefined ? [] : flag('--tls-ca-cert', ca)),
    ...(cert === undefined ? [] : flag('--tls-cert', cert)),
    ...(key === undefined ? [] : flag('--tls-key', key)),
    ...(sni === undefined ? [] : flag('--tls-sni', sni)),
    ...(skipVerify ? flag('--tls-skip-verify') : []),
  ];
}
