import { messageOf } from '../error.ts';
import type { Availability, Hook, HookContext } from '../hook/contract.ts';
import { z } from '../hook/index.ts';
import { ARM_LIMIT_MS, within } from '../hook/limits.ts';
import { loadHook } from '../hook/load.ts';
import { type PlannedHook, planHooks } from '../hook/plan.ts';
import type { Host, Target } from '../target/contract.ts';
import { findTargets } from '../target/find.ts';
import { type Check, failed, type Finding, ok, unknown } from './check.ts';
import type { DoctorEnvironment } from './environment.ts';

/** Can a built-in hook run here, with its default options? Asked of the hook itself, and of those that it needs. */
export function hookCheck(name: string): Check {
  return {
    id: `hook-${name}`,
    title: name,
    group: 'hooks',
    run: async (env) => {
      const missing = requiredOptions(await loadHook(name));
      if (missing.length === 0) return probeAll(name, await planHooks(new Map([[name, {}]])), env);
      const given = missing.map((option) => `${option}=...`).join(',');
      return unknown(
        `depends on its option ${missing.join(', ')}`,
        'there is no default that could be tried',
        `stagewatch monitor --hook ${name},${given}`,
      );
    },
  };
}

function requiredOptions({ options }: Hook): readonly string[] {
  return z.toJSONSchema(options, { io: 'input' }).required ?? [];
}

async function probeAll(
  name: string,
  plan: readonly PlannedHook[],
  env: DoctorEnvironment,
): Promise<Finding> {
  const server = env.server.state === 'found' ? env.server.targets[0] : undefined;
  // Without a server our own process stands for it: whether perf is there and allowed can be told all the same.
  const target = server ?? standIn(env.host);
  for (const planned of plan) {
    const { hook } = planned;
    const availability = await ask(planned, env.host, hook.target === 'optional' ? server : target);
    if (availability.state === 'available') continue;
    const { reason, mend, notInstalled } = availability;
    const found = hook.name === name ? 'cannot run' : `cannot run: it needs ${hook.name}`;
    // The stand-in may lack what a server has: a port, for one.
    if (!server && hook.target === 'required' && !notInstalled)
      return unknown('needs a server to tell', `asked of stagewatch's own process instead: ${reason}`, mend);
    return failed(found, reason, mend);
  }
  if (server || plan.every(({ hook }) => hook.target === 'optional')) return ok('can run');
  return ok(`can run on a server of user ${env.user.name}`);
}

async function ask(
  { hook, options }: PlannedHook,
  host: Host,
  target: Target | undefined,
): Promise<Availability> {
  const over = new AbortController();
  try {
    return await within(
      hook.probe(probeContext(options, host, target, over.signal)),
      ARM_LIMIT_MS,
      `hook ${hook.name}: probe`,
    );
  } catch (error) {
    return { state: 'unavailable', reason: messageOf(error) };
  } finally {
    over.abort();
  }
}

/** A probe only looks: there is no session that it could write into. */
function probeContext(
  options: unknown,
  host: Host,
  target: Target | undefined,
  signal: AbortSignal,
): HookContext {
  const refuse = (): never => {
    throw new Error('a probe has no folder to write into');
  };
  const dir = { path: '/nonexistent', writeJson: refuse, writeText: refuse, existing: refuse };
  return {
    options,
    target,
    host,
    dir,
    out: { of: () => dir },
    samples: { append: () => {} },
    warn: () => {},
    facts: () => {},
    signal,
  };
}

function standIn(host: Host): Target | undefined {
  const found = findTargets({ by: 'pid', pid: process.pid }, host);
  return found.state === 'found' ? found.targets[0] : undefined;
}
