import { Option, type Command } from 'commander';
import { UsageError } from '../error.ts';
import { planHooks, type PlannedHook } from '../hook/plan.ts';
import { loadProfile } from '../profile/load.ts';
import { mergeProfiles, type HookOptions, type Profile } from '../profile/profile.ts';
import { didYouMean } from '../profile/suggest.ts';
import type { TargetQuery } from '../target/find.ts';
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
  readonly outputDir: string;
  readonly label?: string;
  readonly maxSpan: number;
  readonly frequency?: number;
  readonly callGraph?: string;
  readonly events?: string | true;
  readonly quiet?: true;
  readonly verbose?: true;
}

/** Profiled when nothing else is asked for. What it lacks (perf, a server) is told, and is no failure. */
const DEFAULT_PROFILE = 'flamegraph';

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
    .addOption(withoutHook)
    .option('--server-pid <pid>', 'the server to profile, by PID', integer(1, 4_194_304))
    .option('--server-port <port>', 'by the port that it listens on', integer(1, 65_535))
    .option('--server-name <name>', 'by name (default: valkey-server, redis-server)')
    .option('--all-servers', 'profile every server found, each in its own folder')
    .option('--output-dir <dir>', 'where session folders are made', './stage_perf')
    .option('--label <text>', "part of the session folder's name")
    .option('--max-span <time>', 'close a stage that is open longer than this', timeMs, 3_600_000)
    .option('-F, --frequency <hz>', 'samples a second of perf-record', integer(1, 100_000))
    .addOption(
      new Option('--call-graph <how>', 'how perf-record unwinds stacks').choices(['fp', 'dwarf', 'lbr']),
    )
    .option('--events [file]', 'live events as NDJSON, to standard error or a file')
    .option('-q, --quiet', 'only warnings and failures')
    .option('-v, --verbose', 'everything, and stacks of errors');
}

export interface ChosenHooks {
  readonly plan: readonly PlannedHook[];
  /** False when only the default profile runs. */
  readonly asked: boolean;
  readonly watch: readonly string[];
  readonly skip: readonly string[];
}

/** @throws {UsageError} unknown-profile, bad-profile, unknown-hook, bad-hook-option. */
export async function chooseHooks(flags: MonitorFlags): Promise<ChosenHooks> {
  const names = [...(flags.collectPerf ? ['flamegraph'] : []), ...(flags.profile ?? [])];
  const asked = names.length > 0 || flags.hook !== undefined;
  const profiles = await Promise.all((asked ? names : [DEFAULT_PROFILE]).map(loadProfile));
  const profile = mergeProfiles([...profiles, { ...hooksOfFlags(flags.hook ?? []) }]);

  const hooks = new Map(profile.hooks);
  for (const name of flags.withoutHook ?? []) {
    const leaves = [...hooks.keys()].find((hook) => hook === name);
    if (leaves === undefined)
      throw new UsageError(
        'unknown-hook',
        `Expected --no-hook to name a hook of the profile (${[...hooks.keys()].join(', ') || 'none'}), got "${name}".${didYouMean(name, hooks.keys())}`,
      );
    hooks.delete(leaves);
  }
  const perf: Record<string, unknown> = {
    ...(flags.frequency === undefined ? {} : { frequency: flags.frequency }),
    ...(flags.callGraph === undefined ? {} : { callGraph: flags.callGraph }),
  };
  if (Object.keys(perf).length > 0) {
    const taker = ['perf-record', 'flamegraph'].find((name) => hooks.has(name));
    if (taker === undefined)
      throw new UsageError(
        'bad-hook-option',
        'Expected -F and --call-graph to go with perf-record, which does not run: add --collect-perf',
      );
    hooks.set(taker, { ...hooks.get(taker), ...perf });
  }
  const plan = await planHooks(hooks);
  const gone = plan.find(({ hook }) => flags.withoutHook?.includes(hook.name));
  if (gone)
    throw new UsageError('bad-hook-option', `--no-hook ${gone.hook.name} cannot be: another hook needs it`);
  return { plan, asked, watch: flags.watch ?? profile.watch, skip: [...profile.skip, ...(flags.skip ?? [])] };
}

/** `NAME[,key=value]...`, where a value is a number, true, false or text. */
function hooksOfFlags(given: readonly string[]): Profile {
  const hooks = new Map<string, HookOptions>();
  for (const flag of given) {
    const [name = '', ...pairs] = flag.split(',');
    const options = pairs.map((pair): [string, unknown] => {
      const equals = pair.indexOf('=');
      if (equals < 1)
        throw new UsageError('bad-hook-option', `Expected --hook to be NAME[,key=value], got "${flag}"`);
      return [pair.slice(0, equals), valueOf(pair.slice(equals + 1))];
    });
    hooks.set(name, { ...hooks.get(name), ...Object.fromEntries(options) });
  }
  return { description: '', watch: [], skip: [], hooks };
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** @throws {UsageError} when the server is named in two ways. */
export function toTargetQuery(flags: MonitorFlags): TargetQuery {
  const given = [flags.serverPid, flags.serverPort, flags.serverName].filter((flag) => flag !== undefined);
  if (given.length > 1)
    throw new UsageError(
      'target',
      'Expected one of --server-pid, --server-port and --server-name, got several',
    );
  if (flags.serverPid !== undefined) return { by: 'pid', pid: flags.serverPid };
  if (flags.serverPort !== undefined) return { by: 'port', port: flags.serverPort };
  return flags.serverName === undefined ? { by: 'name' } : { by: 'name', names: [flags.serverName] };
}
