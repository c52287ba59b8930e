/** Where the server is and how to get in. All of it may be handed to a worker thread. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, used instead of host and port. */
  readonly socketPath?: string;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  readonly tls?: TlsOptions;
}

export interface TlsOptions {
  /** PEM texts, not paths. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  /** Accept a certificate that nobody vouches for. */
  readonly skipVerify: boolean;
}

/** One command of a mix; `words` may hold `__rand_int__`, `__data__` and `{tag}`. */
export interface CommandSpec {
  /** As in `-t`, or the command itself. */
  readonly name: string;
  readonly words: readonly string[];
  /** Share of the requests; shares of a mix add up to 1. */
  readonly share: number;
  /** Sent as an inline command. */
  readonly inline?: true;
}

/** How long the load lasts. */
export type LoadLength = { readonly requests: number } | { readonly durationMs: number };

export type VectorOperation = 'vec-load' | 'vec-query' | 'vec-delete' | 'vec-update';

export interface VectorOptions {
  readonly operation: VectorOperation;
  /** A path, or a name that is looked for as `stagewatch dataset` does. */
  readonly dataset: string;
  /** Neighbours asked for; recall is recall@k. */
  readonly k: number;
  readonly efSearch?: number;
  /** Name of the index; without it `{dataset}-{size}-{dim}-{neighbours}`. */
  readonly index?: string;
  /** What the keys begin with; without it `zvec_{dataset}:`. */
  readonly prefix?: string;
  readonly field: string;
  /** Replies of vec-query carry the fields of each record, and not its key alone. */
  readonly content?: true;
  readonly hnswM: number;
  readonly efConstruction: number;
}

export type LoadWork =
  | { readonly kind: 'commands'; readonly name: string; readonly commands: readonly CommandSpec[] }
  | ({ readonly kind: 'vectors'; readonly name: VectorOperation } & VectorOptions);

/** One load: one operation, mix or command, for one length. */
export interface LoadOptions {
  readonly server: ServerAddress;
  readonly work: LoadWork;
  /** Without it: what the operation means (all of a dataset, or 100,000 requests). */
  readonly length?: LoadLength;
  readonly clients: number;
  readonly threads: number;
  readonly pipeline: number;
  /** Requests a second, sent on schedule (open loop); without it each client sends when it has its reply (closed loop). */
  readonly rps?: number;
  /** `__rand_int__` becomes a number from 0 to this - 1; without it, it stays as it is, as in valkey-benchmark. */
  readonly keyspace?: number;
  readonly dataBytes: number;
  readonly seed: number;
  readonly cluster: boolean;
  /** The same load, unmeasured, before. */
  readonly warmupMs?: number;
  /** Without a reply for this long the run has failed. */
  readonly timeoutMs: number;
}

/** What `stagewatch load` takes where nothing is said; the same as valkey-benchmark's where it has them. */
export const DEFAULTS = {
  host: '127.0.0.1',
  port: 6379,
  requests: 100_000,
  clients: 50,
  threads: 1,
  pipeline: 1,
  dataBytes: 3,
  seed: 1,
  k: 10,
  field: 'embedding',
  hnswM: 16,
  efConstruction: 200,
  timeoutMs: 60_000,
} as const;

/** `127.0.0.1:6379`, or the path of the socket. */
export function addressText(server: Pick<ServerAddress, 'host' | 'port' | 'socketPath'>): string {
  if (server.socketPath !== undefined) return server.socketPath;
  return `${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`;
}

/** Another node of the same cluster: got into in the same way, and never through this one's Unix socket. */
export function nodeAddress(
  server: ServerAddress,
  node: { readonly host: string; readonly port: number },
): ServerAddress {
  const { socketPath: _, ...rest } = server;
  return { ...rest, host: node.host, port: node.port };
}
