import { resolve } from 'node:path';
import { UsageError } from '../error.ts';
import { describeIssue } from '../profile/load.ts';
import type { HookOptions } from '../profile/profile.ts';
import type { Hook } from './contract.ts';
import { isHookPath, loadHook } from './load.ts';

/** A hook that will run, with its checked options. */
export interface PlannedHook {
  readonly hook: Hook;
  /** Its name, or the path of a user's own: what loads it again. */
  readonly from: string;
  readonly options: unknown;
}

/**
 * Loads the chosen hooks and those that they need, checks their options, and puts them into the order in which
 * they are collected: needed ones first. An option that a hook does not know goes to the hook that it needs, so that
 * `flamegraph: { frequency: 99 }` says it to `perf-record`.
 * @throws {UsageError} unknown-hook, bad-hook, bad-hook-option.
 */
export async function planHooks(chosen: ReadonlyMap<string, HookOptions>): Promise<PlannedHook[]> {
  const hooks = new Map<string, Hook>();
  const options = new Map<string, Record<string, unknown>>();
  const froms = new Map<string, string>();

  const add = async (nameOrPath: string, given: HookOptions, chain: readonly string[]): Promise<void> => {
    const hook = hooks.get(nameOrPath) ?? (await loadHook(nameOrPath));
    if (chain.includes(hook.name))
      throw new UsageError(
        'bad-hook',
        `Hooks need each other in a circle: ${[...chain, hook.name].join(' -> ')}`,
      );
    const known = keysOf(hook);
    const own = Object.entries(given).filter(([key]) => known.includes(key));
    const others = Object.entries(given).filter(([key]) => !known.includes(key));
    const needed = await Promise.all((hook.needs ?? []).map((name) => loadHook(name)));
    for (const [key, value] of others) {
      const taker = needed.find((candidate) => keysOf(candidate).includes(key));
      if (!taker) own.push([key, value]); // its own schema refuses it, with its name
    }
    for (const candidate of needed) {
      const passed = others.filter(([key]) => keysOf(candidate).includes(key));
      await add(candidate.name, Object.fromEntries(passed), [...chain, hook.name]);
    }
    hooks.set(hook.name, hook);
    froms.set(hook.name, isHookPath(nameOrPath) ? resolve(nameOrPath) : nameOrPath);
    options.set(hook.name, { ...options.get(hook.name), ...Object.fromEntries(own) });
  };
  for (const [name, given] of chosen) await add(name, given, []);

  return [...hooks.values()].map((hook) => ({
    hook,
    from: froms.get(hook.name)!,
    options: checkOptions(hook, options.get(hook.name)!),
  }));
}

function shapeOf(hook: Hook): Record<string, unknown> {
  return (hook.options as { shape?: Record<string, unknown> }).shape ?? {};
}

const keysOf = (hook: Hook): string[] => Object.keys(shapeOf(hook));

function checkOptions(hook: Hook, given: Record<string, unknown>): unknown {
  const known = keysOf(hook);
  const stranger = Object.keys(given).find((key) => !known.includes(key));
  const parsed = hook.options.safeParse(given);
  if (stranger === undefined && parsed.success) return parsed.data;
  const issue = parsed.success ? undefined : parsed.error.issues[0];
  const reason =
    stranger !== undefined
      ? describeIssue(
          { code: 'unrecognized_keys', keys: [stranger], path: [], message: '', input: given },
          known,
        )
      : `option ${describeIssue(issue!)}, got ${JSON.stringify(issue!.path.length > 0 ? given[String(issue!.path[0])] : given)}`;
  throw new UsageError('bad-hook-option', `Hook ${hook.name}: ${reason}`);
}
