import type { BenchmarkConfig } from '../bench/config.ts';
import {
  detectDatasetInfo,
  generateIndexName,
  generateSearchPrefix,
  requireDatasetPath,
  type DatasetInfo,
} from '../bench/dataset/names.ts';
import { BenchmarkError } from '../bench/error.ts';
import { UsageError } from '../error.ts';
import { ControlLink } from '../load/control-link.ts';
import { LoadError } from '../load/error.ts';
import { DEFAULTS, type ServerAddress } from '../load/options.ts';
import { readServer } from '../load/preflight.ts';
import { detectDialect } from '../load/vector-index.ts';
import type { VectorDialect } from '../load/vector-plan.ts';
import { setUpVectors } from '../load/vector-setup.ts';
import { readTls } from '../valkey/credentials.ts';

/** The index, or vector set, that a dataset's queries go to. */
export interface QueriedIndex {
  readonly name: string;
  /** What its keys begin with. */
  readonly prefix: string;
  /** `missing` and `empty` have to be loaded first. */
  readonly state: 'ready' | 'missing' | 'empty';
  /** What casts doubt on recall: it holds more or fewer vectors than the dataset. */
  readonly warnings: readonly string[];
}

/** What queries need to know and a user need not say. */
export interface QueryFacts {
  readonly dataset: DatasetInfo;
  /** `valkey 8.0.1`. */
  readonly server: string;
  readonly isCluster: boolean;
  /** FT.* commands, or the vector sets of Redis 8. */
  readonly dialect: VectorDialect;
  readonly index: QueriedIndex;
  /** What was asked for, or 10 where the ground truth has as many. */
  readonly k: number;
}

/**
 * Finds out from a dataset and its server all that queries need. Changes nothing there.
 * @param config host, port, credentials and dataset; an index, prefix or field that it names is taken as it is.
 * @param k neighbours that were asked for.
 * @throws {UsageError} those of the dataset; no-dataset, no-queries, bad-k.
 * @throws {BenchmarkError} the server is not there, knows no vectors, or its index is not what the dataset says.
 */
export async function findOutQueries(config: BenchmarkConfig, k?: number): Promise<QueryFacts> {
  if (config.dataset === undefined) throw new UsageError('no-dataset', 'Expected a dataset, got none.');
  const dataset = await detectDatasetInfo(await requireDatasetPath(config.dataset));
  if (dataset.queryCount === 0 || dataset.neighbors === 0)
    throw new UsageError(
      'no-queries',
      `Expected a dataset with queries and their true neighbours, but ${dataset.name} has none. Import it again with queries, or make one with: stagewatch dataset make`,
    );
  try {
    const control = await ControlLink.open(await addressOf(config));
    try {
      return await ask(control, config, dataset, k ?? Math.min(DEFAULTS.k, dataset.neighbors));
    } finally {
      control.close();
    }
  } catch (error) {
    if (error instanceof LoadError) throw new BenchmarkError(error.code, error.message, { cause: error });
    throw error;
  }
}

async function ask(
  control: ControlLink,
  config: BenchmarkConfig,
  dataset: DatasetInfo,
  k: number,
): Promise<QueryFacts> {
  const { program, version, isCluster } = await readServer(control);
  const dialect = await detectDialect(control);
  const { name, count, dim, neighbors, path } = dataset;
  const prefix = config.searchPrefix ?? generateSearchPrefix(name);
  // As the load generator names them where nobody does: a vector set is a key, below our prefix as all keys that we make.
  const index =
    config.searchIndex ??
    (dialect === 'search' ? '' : prefix) + generateIndexName(name, count, dim, neighbors);
  const work = {
    kind: 'vectors',
    name: 'vec-query',
    operation: 'vec-query',
    dataset: path,
    k,
    index,
    prefix,
    field: config.searchVectorField ?? DEFAULTS.field,
    hnswM: config.hnswM ?? DEFAULTS.hnswM,
    efConstruction: config.efConstruction ?? DEFAULTS.efConstruction,
  } as const;
  const facts = { dataset, server: `${program} ${version}`, isCluster, dialect, k };
  try {
    const { warnings } = await setUpVectors(control, work, DEFAULTS.seed);
    const said = warnings.map(({ message }) => message);
    return { ...facts, index: { name: index, prefix, state: 'ready', warnings: said } };
  } catch (error) {
    const state = error instanceof LoadError ? ABSENT.get(error.code) : undefined;
    if (state === undefined) throw error;
    return { ...facts, index: { name: index, prefix, state, warnings: [] } };
  }
}

const ABSENT: ReadonlyMap<string, 'missing' | 'empty'> = new Map([
  ['missing-index', 'missing'],
  ['empty-index', 'empty'],
]);

/** The load that makes the index what its queries need. */
export function loadingConfig(
  config: BenchmarkConfig,
  { dataset, index, isCluster }: QueryFacts,
): BenchmarkConfig {
  return config.with({
    operation: 'vec-load',
    dataset: dataset.path,
    searchIndex: index.name,
    searchPrefix: index.prefix,
    numRequests: dataset.count,
    cluster: isCluster,
  });
}

async function addressOf({ host, port, user, auth, tls }: BenchmarkConfig): Promise<ServerAddress> {
  const files = tls && (await readTls(tls));
  return {
    host,
    port,
    database: 0,
    ...(user !== undefined && { username: user }),
    ...(auth !== undefined && { password: auth.reveal() }),
    ...(files && {
      tls: {
        skipVerify: !files.rejectUnauthorized,
        ...(files.ca !== undefined && { ca: files.ca }),
        ...(files.cert !== undefined && { cert: files.cert }),
        ...(files.key !== undefined && { key: files.key }),
        ...(files.servername !== undefined && { servername: files.servername }),
      },
    }),
  };
}
