import { release } from 'node:os';
import { Children } from '../restore/children.ts';
import { LocalHost } from '../target/local-host.ts';
import { type DoctorEnvironment, type EnvironmentOptions, readEnvironment } from './environment.ts';
import { checksFor, examine, type Examined } from './examine.ts';

export interface DiagnoseOptions extends Omit<EnvironmentOptions, 'host'> {
  readonly signal: AbortSignal;
}

export interface Diagnosis {
  readonly host: string;
  readonly kernel: string;
  readonly user: { readonly uid: number; readonly name: string };
  readonly server?: { readonly pid: number; readonly program: string; readonly port?: number };
  readonly checks: readonly Examined[];
  /** One line for each check that failed; without any, every hook can run as far as can be told. */
  readonly reasons: readonly string[];
}

/**
 * Looks at everything; takes one to three seconds. Changes nothing, and leaves neither processes nor files.
 * @throws the signal's reason when it is aborted.
 */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  await using children = new Children();
  const env = await readEnvironment({ ...options, host: new LocalHost(children) });
  const checks = await examine(env, await checksFor(env), options.signal);
  return {
    host: env.host.name,
    kernel: release(),
    user: { uid: env.user.uid, name: env.user.name },
    ...serverOf(env),
    checks,
    reasons: checks.flatMap(reasonsOf),
  };
}

function reasonsOf(check: Examined): string[] {
  if (check.state !== 'failed') return [];
  const { title, found, means, mend } = check;
  return [`${title}: ${found}: ${means}${mend === undefined ? '' : `; try: ${mend}`}`];
}

function serverOf({ server }: DoctorEnvironment): Pick<Diagnosis, 'server'> {
  const target = server.state === 'found' ? server.targets[0] : undefined;
  if (!target) return {};
  const { pid, program, port } = target;
  return { server: { pid, program, ...(port === undefined ? {} : { port }) } };
}
