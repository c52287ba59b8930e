import { Option, type Command } from 'commander';
import { DEFAULTS } from '../load/options.ts';
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
  readonly keyPrefix?: string;
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
  readonly content?: true;
  readonly hnswM: number;
  readonly efConstruction: number;
  readonly stage?: string;
  /** Of drivers, whose stage is the load alone. */
  readonly hold?: true;
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
      'requests in all (100000; vec-query: 10000; other vec-*: one for each vector)',
      integer(1, MAX.count),
    )
    .addOption(
      new Option('--duration <time>', 'instead of -n: 30, 500ms, 5m').argParser(timeMs).conflicts('requests'),
    )
    .option('--rps <number>', 'open loop: requests a second, sent on schedule', integer(1, MAX.rps))
    .option('-r, --keyspace <number>', '__rand_int__ becomes one of so many numbers', integer(1, MAX.count))
    .option('--key-prefix <prefix>', 'what the keys of -t begin with')
    .option('-d, --data-size <bytes>', 'size of __data__', integer(1, MAX.bytes), DEFAULTS.dataBytes)
    .option(
      '--seed <number>',
      'of random keys and of the order of queries',
      integer(0, 2 ** 32 - 1),
      DEFAULTS.seed,
    )
    .option('--cluster', 'spread clients over the nodes of a cluster')
    .option('--warmup <time>', 'the same load before, not measured', timeMs)
    .addOption(
      new Option('--timeout <time>', 'a server silent for so long has failed')
        .argParser(timeMs)
        .default(DEFAULTS.timeoutMs, `${DEFAULTS.timeoutMs / 1000}`),
    )
    .option('--dataset <name>', 'vec-*: file, or name in $BENCHMARK_HOME/datasets, ./datasets or .')
    .option('-k, --k <number>', 'vec-query: neighbours', integer(1, 100_000), DEFAULTS.k)
    .option('--ef-search <number>', 'vec-query: candidates looked at', integer(1, 1_000_000))
    .option('--search-index <name>', 'index, or key of the vector set')
    .option('--search-prefix <prefix>', 'what keys begin with')
    .option('--search-vector-field <name>', 'field of the vector', DEFAULTS.field)
    .option('--content', 'vec-query: replies carry the fields too, vectors and all (FT.* only)')
    .option('--hnsw-m <number>', 'vec-load: edges of a node', integer(2, 512), DEFAULTS.hnswM)
    .option('--ef-construction <number>', 'vec-load: candidates', integer(1, 4096), DEFAULTS.efConstruction)
    .option('--stage <name>', 'print stage markers name[:tag] on standard error')
    .option('--json [file]', 'results as JSON, to standard output or a file')
    .option('--csv <file>', 'one row for each result')
    .option('--hdr <file>', 'latencies as a standard HdrHistogram log')
    .option('--allow-errors', 'error replies do not make the exit code 4')
    .option('-q, --quiet', 'one line for each result')
    .option('-v, --verbose', 'stacks of errors')
    .addOption(new Option('--hold').hideHelp())
    .addOption(new Option('--cacert <file>').hideHelp())
    .addOption(new Option('--cert <file>').hideHelp())
    .addOption(new Option('--key <file>').hideHelp())
    .addOption(new Option('--sni <name>').hideHelp())
    .addOption(new Option('--insecure').hideHelp());
}
