import { resolve } from 'node:path';
import { UsageError } from '../error.ts';
import { planHooks, type PlannedHook } from '../hook/plan.ts';
import { loadProfile } from '../profile/load.ts';
import { mergeProfiles, type HookOptions, type Profile } from '../profile/profile.ts';
import { didYouMean } from '../profile/suggest.ts';
import type { MonitorFlags } from './monitor-flags.ts';

/** Profiled when nothing else is asked for. What it lacks (perf, a server) is told, and is no failure. */
const DEFAULT_PROFILE = 'flamegraph';

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
  const asked = names.length > 0 || flags.hook !== undefined || flags.perfScript !== undefined;
  const profiles = await Promise.all((asked ? names : [DEFAULT_PROFILE]).map(loadProfile));
  const profile = mergeProfiles([...profiles, { ...hooksOfFlags(flags.hook ?? []) }]);

  const hooks = new Map(profile.hooks);
  // Not through --hook: a path may hold commas.
  if (flags.perfScript !== undefined)
    hooks.set('command', { ...hooks.get('command'), command: resolve(flags.perfScript) });
  // Hooks that ask the server ask it as the flags do.
  if (flags.user !== undefined && hooks.has('server-metrics'))
    hooks.set('server-metrics', { user: flags.user, ...hooks.get('server-metrics') });
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
      const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
      // A password of digits is text all the same.
      return [key, key === 'password' ? value : valueOf(value)];
    });
    hooks.set(name, { ...hooks.get(name), ...Object.fromEntries(options) });
  }
  return { description: '', watch: [], skip: [], hooks };
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
