import { UsageError } from '../error.ts';
import type { Secret, TlsFiles } from '../valkey/credentials.ts';

/** What a benchmark run is asked for; everything but what is named here has a default. */
export interface BenchmarkSettings {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 6379. */
  readonly port?: number;
  /** As the programs' `-t` has it: `vec-query` (default), `get`, `get:0.8,set:0.2`. */
  readonly operation?: string;
  /** A path, or a name that is looked for as `stagewatch dataset` does. */
  readonly dataset?: string;
  /** Parallel connections, 1 or more; default 10. */
  readonly numClients?: number;
  /** Threads of the benchmark, 1 or more; default 4. */
  readonly numThreads?: number;
  /** Requests measured, 1 or more; default 10,000. Without meaning where `durationMs` is given. */
  readonly numRequests?: number;
  /** Run this long instead of for a number of requests, ms. */
  readonly durationMs?: number;
  /** The same load, unmeasured, before; ms. */
  readonly warmupMs?: number;
  /** Requests in flight per connection; default 1. */
  readonly pipeline?: number;
  /** Requests a second on schedule (open loop); closed loop without. */
  readonly rps?: number;
  /** Keys are drawn from so many. */
  readonly keyspace?: number;
  /** Bytes of a value; default 3. */
  readonly dataSize?: number;
  readonly seed?: number;
  /** Candidates that HNSW holds during a query. */
  readonly efSearch?: number;
  /** Neighbours asked for; recall is recall@k; default 10. */
  readonly k?: number;
  readonly searchIndex?: string;
  readonly searchPrefix?: string;
  readonly searchVectorField?: string;
  readonly hnswM?: number;
  readonly efConstruction?: number;
  /** Vector replies carry keys only; default true. */
  readonly noContent?: boolean;
  /** Found out from the server where nothing is said. */
  readonly cluster?: boolean;
  readonly user?: string;
  readonly auth?: Secret;
  readonly tls?: TlsFiles;
  /** Handed to the program after everything else; ours do not read it. */
  readonly extraArgs?: readonly string[];
  /** Handed to the program before `-t`. */
  readonly prefixArgs?: readonly string[];
  /** Error replies are counted in the result, instead of failing the run; a run of nothing else fails all the same. */
  readonly allowErrors?: boolean;
  /** The run is ended after this long, ms; default one hour. */
  readonly timeoutMs?: number;
  /** Settings of the server for this run, by name: `search.reader-threads`. Set, read back and put back by whoever runs trials. */
  readonly serverConfig?: Readonly<Record<string, string>>;
}

/** A benchmark run, complete. Plain data but for its password, which no printing shows. */
export class BenchmarkConfig implements BenchmarkSettings {
  readonly host: string;
  readonly port: number;
  readonly operation: string;
  declare readonly dataset?: string;
  readonly numClients: number;
  readonly numThreads: number;
  readonly numRequests: number;
  declare readonly durationMs?: number;
  declare readonly warmupMs?: number;
  readonly pipeline: number;
  declare readonly rps?: number;
  declare readonly keyspace?: number;
  readonly dataSize: number;
  declare readonly seed?: number;
  declare readonly efSearch?: number;
  readonly k: number;
  declare readonly searchIndex?: string;
  declare readonly searchPrefix?: string;
  declare readonly searchVectorField?: string;
  declare readonly hnswM?: number;
  declare readonly efConstruction?: number;
  readonly noContent: boolean;
  declare readonly cluster?: boolean;
  declare readonly user?: string;
  declare readonly auth?: Secret;
  declare readonly tls?: TlsFiles;
  readonly extraArgs: readonly string[];
  readonly prefixArgs: readonly string[];
  declare readonly allowErrors?: boolean;
  readonly timeoutMs: number;
  readonly serverConfig: Readonly<Record<string, string>>;

  /** @throws {UsageError} bad-config, naming the setting. */
  constructor(settings: BenchmarkSettings = {}) {
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    Object.assign(this, given);
    this.host = settings.host ?? '127.0.0.1';
    this.port = whole('port', settings.port ?? 6379, 1, 65_535);
    this.operation = settings.operation ?? 'vec-query';
    this.numClients = whole('numClients', settings.numClients ?? 10, 1, 100_000);
    this.numThreads = whole('numThreads', settings.numThreads ?? 4, 1, 1_024);
    this.numRequests = whole('numRequests', settings.numRequests ?? 10_000, 1, Number.MAX_SAFE_INTEGER);
    this.pipeline = whole('pipeline', settings.pipeline ?? 1, 1, 100_000);
    this.dataSize = whole('dataSize', settings.dataSize ?? 3, 1, 512 * 1024 * 1024);
    this.k = whole('k', settings.k ?? 10, 1, 100_000);
    if (settings.efSearch !== undefined) whole('efSearch', settings.efSearch, 1, 1_000_000);
    this.noContent = settings.noContent ?? true;
    this.extraArgs = settings.extraArgs ?? [];
    this.prefixArgs = settings.prefixArgs ?? [];
    this.timeoutMs = settings.timeoutMs ?? 3_600_000;
    this.serverConfig = settings.serverConfig ?? {};
  }

  /** The same but for what is named. */
  with(changes: BenchmarkSettings): BenchmarkConfig {
    return new BenchmarkConfig({ ...this, ...changes });
  }
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(
    'bad-config',
    `Expected ${name} to be a whole number from ${min} to ${max}, got ${value}.`,
  );
}
