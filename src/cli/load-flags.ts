import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { UsageError, messageOf } from '../error.ts';
import { commandOf, isVectorOperation, type Keying } from '../load/operations.ts';
import {
  DEFAULTS,
  type LoadOptions,
  type LoadWork,
  type ServerAddress,
  type TlsOptions,
} from '../load/options.ts';
import { integer, timeMs } from './flags.ts';

export interface LoadFlags {
  readonly host: string;
  readonly port: number;
  readonly socket?: string;
  readonly pass?: string;
  readonly user?: string;
  readonly dbnum: number;
  readonly tls?: true;
  readonly tlsCaCert?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsSni?: string;
  readonly tlsSkipVerify?: true;
  readonly tests?: string;
  readonly clients: number;
  readonly threads: number;
  readonly pipeline: number;
  readonly requests?: number;
  readonly duration?: number;
  readonly rps?: number;
  readonly keyspace?: number;
  readonly dataSize: number;
  readonly seed: number;
  readonly cluster?: true;
  readonly warmup?: number;
  readonly timeout: number;
  readonly dataset?: string;
  readonly k: number;
  readonly efSearch?: number;
  readonly searchIndex?: string;
  readonly searchPrefix?: string;
  readonly searchVectorField: string;
  readonly hnswM: number;
  readonly efConstruction: number;
  readonly stage?: string;
  readonly json?: string | true;
  readonly csv?: string;
  readonly hdr?: string;
  readonly allowErrors?: true;
  readonly quiet?: true;
  readonly verbose?: true;
}

const MAX = { count: 1e12, clients: 10_000, rps: 10_000_000, bytes: 512 * 1024 * 1024 } as const;

/** The flags as users of valkey-benchmark know them; `-h` is the host. */
export function addLoadFlags(command: Command): Command {
  return command
    .option('-t, --tests <names>', 'operations, one after the other: set,get; or one mix: get:0.8,set:0.2')
    .option('-h, --host <host>', 'host', DEFAULTS.host)
    .option('-p, --port <port>', 'port', integer(1, 65_535), DEFAULTS.port)
    .option('-s, --socket <path>', 'Unix socket, instead of host and port')
    .option(
      '-a, --pass <password>',
      'password; better in VALKEYCLI_AUTH or REDISCLI_AUTH, where ps does not show it',
    )
    .option('--user <name>', 'ACL user name')
    .option('--dbnum <number>', 'database', integer(0, 65_535), 0)
    .option('--tls', 'encrypt')
    .option('--tls-ca-cert <file>', 'who may vouch for the server')
    .option('--tls-cert <file>', 'our certificate')
    .option('--tls-key <file>', 'its key')
    .option('--tls-sni <name>', 'name of the server in its certificate')
    .option('--tls-skip-verify', 'accept any certificate')
    .option('-c, --clients <number>', 'connections', integer(1, MAX.clients), DEFAULTS.clients)
    .option('--threads <number>', 'threads that share them', integer(1, 256), DEFAULTS.threads)
    .option(
      '-P, --pipeline <number>',
      'requests that are sent at once',
      integer(1, 10_000),
      DEFAULTS.pipeline,
    )
    .option(
      '-n, --requests <number>',
      'requests in all (100000; vec-*: all of the dataset)',
      integer(1, MAX.count),
    )
    .addOption(
      new Option('--duration <time>', 'instead of -n: 30, 500ms, 5m').argParser(timeMs).conflicts('requests'),
    )
    .option('--rps <number>', 'open loop: requests a second, sent on schedule', integer(1, MAX.rps))
    .option('-r, --keyspace <number>', '__rand_int__ becomes one of so many numbers', integer(1, MAX.count))
    .option('-d, --data-size <bytes>', 'size of __data__', integer(1, MAX.bytes), DEFAULTS.dataBytes)
    .option(
      '--seed <number>',
      'of random keys and of the order of queries',
      integer(0, 2 ** 32 - 1),
      DEFAULTS.seed,
    )
    .option('--cluster', 'spread clients over the nodes of a cluster')
    .option('--warmup <time>', 'the same load before, not measured', timeMs)
    .option('--timeout <time>', 'a server silent for so long has failed (60)', timeMs, DEFAULTS.timeoutMs)
    .option('--dataset <name>', 'vec-*: file, or name in $BENCHMARK_HOME/datasets, ./datasets or .')
    .option('-k, --k <number>', 'vec-query: neighbours', integer(1, 100_000), DEFAULTS.k)
    .option('--ef-search <number>', 'vec-query: candidates looked at', integer(1, 1_000_000))
    .option('--search-index <name>', 'index, or key of the vector set')
    .option('--search-prefix <prefix>', 'what keys begin with')
    .option('--search-vector-field <name>', 'field of the vector', DEFAULTS.field)
    .option('--hnsw-m <number>', 'vec-load: edges of a node', integer(2, 512), DEFAULTS.hnswM)
    .option('--ef-construction <number>', 'vec-load: candidates', integer(1, 4096), DEFAULTS.efConstruction)
    .option('--stage <name>', 'print stage markers name[:tag] on standard error')
    .option('--json [file]', 'results as JSON, to standard output or a file')
    .option('--csv <file>', 'one row for each result')
    .option('--hdr <file>', 'latencies as a standard HdrHistogram log')
    .option('--allow-errors', 'error replies do not make the exit code 4')
    .option('-q, --quiet', 'one line for each result')
    .option('-v, --verbose', 'stacks of errors')
    .addOption(new Option('--cacert <file>').hideHelp())
    .addOption(new Option('--cert <file>').hideHelp())
    .addOption(new Option('--key <file>').hideHelp())
    .addOption(new Option('--sni <name>').hideHelp())
    .addOption(new Option('--insecure').hideHelp());
}

/** The one step from flags to options: one for each load, in order. @throws {UsageError} */
export function toLoadOptions(
  flags: LoadFlags,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): LoadOptions[] {
  const server = toServer(flags, environment);
  return toWorks(flags, words).map((work): LoadOptions => {
    const { clients, threads, pipeline, seed, rps, keyspace, requests, duration, warmup } = flags;
    return {
      server,
      work,
      clients,
      threads,
      pipeline,
      seed,
      dataBytes: flags.dataSize,
      cluster: flags.cluster ?? false,
      timeoutMs: flags.timeout,
      ...(requests !== undefined && { length: { requests } }),
      ...(duration !== undefined && { length: { durationMs: duration } }),
      ...(rps !== undefined && { rps }),
      ...(keyspace !== undefined && { keyspace }),
      ...(warmup !== undefined && { warmupMs: warmup }),
    };
  });
}

function toServer(flags: LoadFlags, environment: NodeJS.ProcessEnv): ServerAddress {
  const password = flags.pass ?? environment['VALKEYCLI_AUTH'] ?? environment['REDISCLI_AUTH'];
  if (flags.user !== undefined && password === undefined)
    throw new UsageError(
      'user-without-password',
      'Expected a password with --user: in VALKEYCLI_AUTH, or with -a.',
    );
  const tls = toTls(flags as LoadFlags & TlsAliases);
  return {
    host: flags.host,
    port: flags.port,
    database: flags.dbnum,
    ...(flags.socket !== undefined && { socketPath: flags.socket }),
    ...(flags.user !== undefined && { username: flags.user }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
}

/** The names that valkey-benchmark has for them. */
interface TlsAliases {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly sni?: string;
  readonly insecure?: true;
}

function toTls(flags: LoadFlags & TlsAliases): TlsOptions | undefined {
  const ca = pem('--tls-ca-cert', flags.tlsCaCert ?? flags.cacert);
  const cert = pem('--tls-cert', flags.tlsCert ?? flags.cert);
  const key = pem('--tls-key', flags.tlsKey ?? flags.key);
  const servername = flags.tlsSni ?? flags.sni;
  const skipVerify = flags.tlsSkipVerify ?? flags.insecure ?? false;
  if (!flags.tls) {
    if ([ca, cert, key, servername].some((value) => value !== undefined) || skipVerify)
      throw new UsageError('tls-flags', 'Expected --tls with the other --tls-... flags.');
    return undefined;
  }
  if (flags.socket !== undefined) throw new UsageError('tls-socket', 'Expected -s or --tls, got both.');
  return {
    skipVerify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  };
}

function pem(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'tls-file',
      `Expected ${flag} to be a file that can be read, got "${path}": ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

function toWorks(flags: LoadFlags, words: readonly string[]): LoadWork[] {
  const keying: Keying = { cluster: flags.cluster ?? false, isRandom: flags.keyspace !== undefined };
  if (words.length > 0) {
    if (flags.tests !== undefined)
      throw new UsageError(
        'two-works',
        `Expected -t or a command, got both: -t ${flags.tests} and ${words.join(' ')}.`,
      );
    const name = words.join(' ');
    return [{ kind: 'commands', name, commands: [{ name, words, share: 1 }] }];
  }
  if (flags.tests === undefined)
    throw new UsageError(
      'no-work',
      'Expected -t with operations (-t get), or a command: -- SET key:__rand_int__ __data__',
    );
  const entries = flags.tests.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.some((entry) => entry.includes(':'))) return [toMix(entries, keying)];
  return entries.map((name) =>
    isVectorOperation(name)
      ? toVectorWork(name, flags)
      : { kind: 'commands', name, commands: [commandOf(name, 1, keying)] },
  );
}

function toVectorWork(name: LoadWork['name'] & string, flags: LoadFlags): LoadWork {
  if (!isVectorOperation(name))
    throw new UsageError('unknown-operation', `Expected a vec-... operation, got "${name}".`);
  if (flags.dataset === undefined) throw new UsageError('no-dataset', `Expected --dataset with ${name}.`);
  return {
    kind: 'vectors',
    name,
    operation: name,
    dataset: flags.dataset,
    k: flags.k,
    field: flags.searchVectorField,
    hnswM: flags.hnswM,
    efConstruction: flags.efConstruction,
    ...(flags.efSearch !== undefined && { efSearch: flags.efSearch }),
    ...(flags.searchIndex !== undefined && { index: flags.searchIndex }),
    ...(flags.searchPrefix !== undefined && { prefix: flags.searchPrefix }),
  };
}

/** Shares need not add up to 1: `get:80,set:20` is `get:0.8,set:0.2`. */
function toMix(entries: readonly string[], keying: Keying): LoadWork {
  const weights = entries.map((entry) => {
    const [name, share] = entry.split(':') as [string, string?];
    const weight = Number(share);
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new UsageError(
        'bad-mix',
        `Expected each operation of a mix to have a share, like get:0.8,set:0.2, got "${entry}".`,
      );
    if (isVectorOperation(name))
      throw new UsageError('bad-mix', `Expected a mix of other operations than vec-..., got "${name}".`);
    return [name, weight] as const;
  });
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  const commands = weights.map(([name, weight]) => commandOf(name, weight / sum, keying));
  const name = commands
    .map((command) => `${command.name}:${Number((command.share * 100).toFixed(2))}%`)
    .join('+');
  return { kind: 'commands', name, commands };
}
