import type { BenchmarkConfig } from '../config.ts';
import { isVectorOperation, threadsOf } from './settings.ts';

/** What stands behind `stagewatch load`. @param cluster spread over the nodes of a cluster. */
export function builtinArguments(config: BenchmarkConfig, cluster: boolean): string[] {
  const { host, port, operation, durationMs } = config;
  const given = (flag: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [flag, String(value)];
  return [
    ...['-h', host, '-p', String(port)],
    ...given('--user', config.user),
    ...tlsArguments(config),
    ...['-c', String(config.numClients), '--threads', String(threadsOf(config))],
    ...given('-P', config.pipeline === 1 ? undefined : config.pipeline),
    ...(durationMs === undefined ? ['-n', String(config.numRequests)] : ['--duration', `${durationMs}ms`]),
    ...given('--warmup', config.warmupMs === undefined ? undefined : `${config.warmupMs}ms`),
    ...given('--rps', config.rps),
    ...given('-r', config.keyspace),
    ...given('-d', config.dataSize === 3 ? undefined : config.dataSize),
    ...given('--seed', config.seed),
    ...(cluster ? ['--cluster'] : []),
    ...(config.allowErrors ? ['--allow-errors'] : []),
    ...(isVectorOperation(operation) ? vectorArguments(config) : []),
    ...config.prefixArgs,
    ...['-t', operation],
    ...config.extraArgs,
  ];
}

function vectorArguments(config: BenchmarkConfig): string[] {
  const { dataset, k, operation } = config;
  const given = (flag: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [flag, String(value)];
  return [
    ...given('--dataset', dataset),
    ...(operation === 'vec-query'
      ? [
          '-k',
          String(k),
          ...given('--ef-search', config.efSearch),
          ...(config.noContent ? [] : ['--content']),
        ]
      : []),
    ...given('--search-index', config.searchIndex),
    ...given('--search-prefix', config.searchPrefix),
    ...given('--search-vector-field', config.searchVectorField),
    ...given('--hnsw-m', config.hnswM),
    ...given('--ef-construction', config.efConstruction),
  ];
}

function tlsArguments({ tls }: BenchmarkConfig): string[] {
  if (tls === undefined) return [];
  const { ca, cert, key, sni, skipVerify } = tls;
  return [
    '--tls',
    ...(ca === undefined ? [] : ['--tls-ca-cert', ca]),
    ...(cert === undefined ? [] : ['--tls-cert', cert]),
    ...(key === undefined ? [] : ['--tls-key', key]),
    ...(sni === undefined ? [] : ['--tls-sni', sni]),
    ...(skipVerify ? ['--tls-skip-verify'] : []),
  ];
}
