import { Option, type Command } from 'commander';
import { parseServeAddress, type ServeAddress } from '../dashboard/address.ts';
import { UsageError } from '../error.ts';
import type { TargetQuery } from '../target/find.ts';
import type { TargetPlace } from '../target/locate.ts';
import { credentialsOf } from '../valkey/credentials.ts';
import { collect, integer, timeMs } from './flags.ts';

/** What `monitor` and `run` share. */
export interface MonitorFlags {
  readonly watch?: string[];
  readonly skip?: string[];
  readonly collectPerf?: true;
  readonly profile?: string[];
  readonly hook?: string[];
  readonly withoutHook?: string[];
  readonly serverPid?: number;
  readonly serverPort?: number;
  readonly serverName?: string;
  readonly allServers?: true;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly cluster?: true;
  readonly container?: string;
  readonly perfScript?: string;
  readonly outputDir: string;
  readonly label?: string;
  readonly maxSpan: number;
  readonly frequency?: number;
  readonly callGraph?: string;
  readonly events?: string | true;
  readonly serve?: ServeAddress;
  readonly quiet?: true;
  readonly verbose?: true;
}

/** Whether a hook or profile of the user's own choice could be wrong: then nothing is read before they are loaded. */
export function mayNameWrongHooks(flags: MonitorFlags): boolean {
  const { profile, hook, withoutHook, frequency, callGraph, perfScript } = flags;
  return [profile, hook, withoutHook, frequency, callGraph, perfScript].some((flag) => flag !== undefined);
}

export function addMonitorFlags(command: Command): Command {
  // Commander takes --no-x for the opposite of --x; here it is a flag of its own, with a value.
  const withoutHook = new Option('--no-hook <name>', 'take a hook away; repeatable').argParser(collect);
  withoutHook.negate = false;
  withoutHook.attributeName = () => 'withoutHook';
  return command
    .option(
      '--watch <stage>',
      'stage to profile: vec-query (any tag), vec-query:ef_100, get:*; repeatable; all without any',
      collect,
    )
    .option('--skip <stage>', 'stage to leave out; repeatable', collect)
    .option('--collect-perf', 'on-CPU flame graphs: the same as --profile flamegraph')
    .option('--profile <name|file>', 'which hooks run on which stages; repeatable, later ones win', collect)
    .option(
      '--hook <name|file[,key=value]>',
      'add a hook, or your own from a .ts or .js file; repeatable',
      collect,
    )
    .option(
      '--perf-script <path>',
      'run a program of yours during stages: the same as --hook command,command=PATH',
    )
    .addOption(withoutHook)
    .option('--server-pid <pid>', 'the server to profile, by PID', integer(1, 4_194_304))
    .option('--server-port <port>', 'by the port that it listens on', integer(1, 65_535))
    .option('--server-name <name>', 'by name (default: valkey-server, redis-server, stagewatch-engine)')
    .option('-h, --host <host>', 'the server that answers there, as INFO names its PID (with --port)')
    .option('-p, --port <port>', 'its port', integer(1, 65_535))
    .option('--user <name>', 'ACL user; the password is read from VALKEYCLI_AUTH or REDISCLI_AUTH')
    .option('--cluster', 'all nodes of its cluster that run on this machine')
    .option('--container <name>', 'the server in a container of this machine')
    .option('--all-servers', 'profile every server found, each in its own folder')
    .option('--output-dir <dir>', 'where session folders are made', './stage_perf')
    .option('--label <text>', "part of the session folder's name")
    .addOption(
      new Option('--max-span <time>', 'close a stage that is open longer than this')
        .argParser(timeMs)
        .default(3_600_000, '1h'),
    )
    .option('-F, --frequency <hz>', 'samples a second of perf-record', integer(1, 100_000))
    .addOption(
      new Option('--call-graph <how>', 'how perf-record unwinds stacks').choices(['fp', 'dwarf', 'lbr']),
    )
    .option('--events [file]', 'live events as NDJSON, to standard error or a file')
    .addOption(
      new Option(
        '--serve [address]',
        'a live page and /metrics, at PORT or HOST:PORT; without, on loopback and any free port',
      )
        .argParser(parseServeAddress)
        .preset('127.0.0.1'),
    )
    .option('-q, --quiet', 'only warnings and failures')
    .option('-v, --verbose', 'everything, and stacks of errors');
}

/** Those that say which server is meant. */
export type TargetFlags = Pick<
  MonitorFlags,
  'serverPid' | 'serverPort' | 'serverName' | 'host' | 'port' | 'user' | 'container' | 'cluster'
>;

/** @throws {UsageError} when the server is named in several ways, or in half of one. */
export function toTarget(flags: TargetFlags): TargetQuery | TargetPlace {
  const { serverPid, serverPort, serverName, host, port, container, cluster } = flags;
  const given = [serverPid, serverPort, serverName, host ?? port, container].filter(
    (flag) => flag !== undefined,
  );
  if (given.length > 1)
    throw new UsageError(
      'target',
      'Expected one of --server-pid, --server-port, --server-name, --host with --port, and --container, got several',
    );
  if (host !== undefined || port !== undefined) {
    const credentials = credentialsOf(flags.user === undefined ? {} : { user: flags.user });
    const address = { host: host ?? '127.0.0.1', port: port ?? 6379, ...credentials };
    return { in: cluster ? 'cluster' : 'address', address };
  }
  if (cluster)
    throw new UsageError('target', 'Expected --cluster to go with --host and --port of one of its nodes');
  if (container !== undefined) return { in: 'container', container };
  if (serverPid !== undefined) return { by: 'pid', pid: serverPid };
  if (serverPort !== undefined) return { by: 'port', port: serverPort };
  return serverName === undefined ? { by: 'name' } : { by: 'name', names: [serverName] };
}
