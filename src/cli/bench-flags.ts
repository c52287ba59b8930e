import { Option, type Command } from 'commander';
import { collect, integer, timeMs } from './flags.ts';
import { addMonitorFlags, type MonitorFlags } from './monitor-flags.ts';

/** What every command that runs benchmarks takes. Nothing has a default here: what was not given is undefined. */
export interface BenchFlags extends MonitorFlags {
  readonly pass?: string;
  readonly tls?: true;
  readonly tlsCaCert?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsSni?: string;
  readonly tlsSkipVerify?: true;
  readonly operation?: string;
  readonly dataset?: string;
  readonly numClients?: number;
  readonly numThreads?: number;
  readonly numRequests?: number;
  readonly duration?: number;
  readonly warmup?: number;
  readonly timeout?: number;
  readonly pipeline?: number;
  readonly rps?: number;
  readonly keyspace?: number;
  readonly dataSize?: number;
  readonly seed?: number;
  readonly efSearch?: number;
  readonly k?: number;
  readonly searchIndex?: string;
  readonly searchPrefix?: string;
  readonly searchVectorField?: string;
  readonly driver?: string;
  readonly binary?: string;
  readonly driverArgs?: string;
  readonly allowErrors?: true;
  readonly setConfig?: string[];
  readonly restartCommand?: string;
  readonly serverCpus?: string;
  readonly clientCpus?: string;
  readonly yes?: true;
  readonly output?: string;
  readonly json?: string | true;
  readonly dryRun?: true;
}

const MAX = { count: 1e12, clients: 100_000, rps: 10_000_000, bytes: 512 * 1024 * 1024 } as const;

/** What the monitor's flags are here, where the server is the one that is measured. */
const SERVER_FLAGS: Readonly<Record<string, string>> = {
  '--host': 'host of the server (127.0.0.1); it is also the one that is profiled',
  '--port': 'its port (6379)',
  '--user': 'ACL user; the password is read from VALKEYCLI_AUTH or REDISCLI_AUTH',
  '--cluster': 'it is a cluster (found out without); all its nodes here are profiled',
};

/** Names as users of the older scripts, and of valkey-benchmark, know them; `-h` is the host. */
export function addBenchFlags(command: Command): Command {
  addRunFlags(command.optionsGroup('Benchmark:'));
  addServerChangeFlags(command.optionsGroup('Server:'));
  addProgramFlags(command.optionsGroup('Program and results:'));
  addMonitorFlags(command.optionsGroup('Profiling and session:'));
  for (const option of command.options) {
    const meaning = SERVER_FLAGS[option.long ?? ''];
    if (meaning !== undefined) option.helpGroup('Server:').description = meaning;
  }
  return command.optionsGroup('Options:');
}

function addRunFlags(command: Command): void {
  command
    .option('-t, --operation <name>', 'vec-query (default), get, set, ...; a mix: get:0.8,set:0.2')
    .option('--dataset <name>', 'vec-*: file, or name in $BENCHMARK_HOME/datasets, ./datasets or .')
    .option('-c, --num-clients <n>', 'connections (10)', integer(1, MAX.clients))
    .option('--num-threads <n>', 'threads of the benchmark (4)', integer(1, 1_024))
    .option('-n, --num-requests <n>', 'requests of each run (10000)', integer(1, MAX.count))
    .addOption(
      new Option('--duration <time>', 'length of each run, instead of -n: 30, 500ms, 5m')
        .argParser(timeMs)
        .conflicts('numRequests'),
    )
    .option('--warmup <time>', 'the same load before each run, not measured', timeMs)
    .option('--timeout <time>', 'a run that takes longer has failed (1h)', timeMs)
    .option('-P, --pipeline <n>', 'requests that are sent at once (1)', integer(1, 10_000))
    .option('--rps <n>', 'open loop: requests a second, sent on schedule', integer(1, MAX.rps))
    .option('-r, --keyspace <n>', 'random keys out of so many', integer(1, MAX.count))
    .option('-d, --data-size <bytes>', 'size of a value (3)', integer(1, MAX.bytes))
    .option('--seed <n>', 'of random keys, and of the order of queries', integer(0, 2 ** 32 - 1))
    .option('--ef-search <n>', 'vec-query: candidates looked at', integer(1, 1_000_000))
    .option('-k, --k <n>', 'vec-query: neighbours; recall is recall@k (10)', integer(1, 100_000))
    .option('--search-index <name>', 'index, or key of the vector set')
    .option('--search-prefix <prefix>', 'what keys begin with')
    .option('--search-vector-field <name>', 'field of the vector');
}

function addServerChangeFlags(command: Command): void {
  command
    .option('-a, --pass <password>', 'password; better in VALKEYCLI_AUTH, where ps does not show it')
    .option('--tls', 'encrypt')
    .option('--tls-ca-cert <file>', 'who may vouch for the server')
    .option('--tls-cert <file>', 'our certificate')
    .option('--tls-key <file>', 'its key')
    .option('--tls-sni <name>', 'name of the server in its certificate')
    .option('--tls-skip-verify', 'accept any certificate')
    .option('--set-config <name=value>', 'CONFIG SET before the runs, put back after; repeatable', collect)
    .option('--restart-command <command>', 'restarts the server for settings that it takes at its start only')
    .option('--server-cpus <list>', 'CPUs that the server runs on, put back after: 0-3,8')
    .option('--client-cpus <list>', 'CPUs that the benchmark runs on')
    .option('--yes', 'change settings of a server that is not on loopback, or not empty');
}

function addProgramFlags(command: Command): void {
  command
    .option('--driver <name>', 'valkey-bench-rs, valkey-benchmark, redis-benchmark or builtin')
    .option('--binary <path>', 'the benchmark program (else VALKEY_BENCHMARK_BIN, ./target, PATH)')
    .option('--driver-args <words>', 'handed to the program as they are, after everything else')
    .option('--allow-errors', 'error replies are counted, and do not fail the run')
    .option('--output <file>', 'every trial as a row of CSV')
    .option('--json [file]', 'the answer and all trials as JSON, to standard output or a file')
    .option('--dry-run', 'show the plan and the commands, and run nothing');
}
