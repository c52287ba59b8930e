import { messageOf } from '../error.ts';
import { within } from '../hook/limits.ts';
import { builtinHookNames } from '../hook/load.ts';
import { type Check, type Finding, type Group, groups, unknown } from './check.ts';
import type { DoctorEnvironment } from './environment.ts';
import { hookCheck } from './hook-checks.ts';
import { limitChecks } from './limit-checks.ts';
import { machineChecks } from './machine-checks.ts';
import { perfChecks } from './perf-checks.ts';
import { rightChecks } from './right-checks.ts';
import { roomChecks } from './room-checks.ts';
import { serverCheck, serverChecksOf } from './server-checks.ts';

export type Examined = Pick<Check, 'id' | 'title' | 'group'> & Finding;

/** A hook's probe has 10 s of its own; this is for a check that hangs in the file system. */
const checkLimitMs = 15_000;

/** All checks that make sense there, in the order of their groups. */
export async function checksFor({ server }: DoctorEnvironment): Promise<Check[]> {
  const target = server.state === 'found' ? server.targets[0] : undefined;
  const checks = [
    ...(await builtinHookNames()).map(hookCheck),
    serverCheck,
    ...(target ? serverChecksOf(target) : []),
    ...perfChecks,
    ...rightChecks,
    ...limitChecks,
    ...roomChecks,
    ...machineChecks,
  ];
  const rank = (group: Group): number => groups.indexOf(group);
  return checks.toSorted((a, b) => rank(a.group) - rank(b.group));
}

/**
 * Runs checks one after the other, so that none disturbs what another measures. A check that fails itself is
 * `unknown`. @throws the signal's reason when it is aborted.
 */
export async function examine(
  env: DoctorEnvironment,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<Examined[]> {
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  aborted.catch(() => 'nobody may be waiting');
  const examined: Examined[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    const { id, title, group } = check;
    const finding = within(check.run(env), checkLimitMs, id).catch((error: unknown) =>
      unknown('cannot be told', messageOf(error)),
    );
    examined.push({ id, title, group, ...(await Promise.race([finding, aborted])) });
  }
  return examined;
}
