import { canCount, fallbackEvent, findPerf, type PerfFound } from '../perf/capabilities.ts';
import { perfEnvironment, run } from '../perf/run.ts';
import type { Host } from '../target/contract.ts';
import { type FindResult, findTargets, type TargetQuery } from '../target/find.ts';
import { locateTarget, type TargetPlace } from '../target/locate.ts';
import { type User, whoAmI } from './user.ts';

/** With the path of the program itself, not of a script or link that leads to it. */
export type LocatedPerf =
  (PerfFound & { readonly state: 'found'; readonly path: string }) | Exclude<PerfFound, { state: 'found' }>;

/** What all checks look at. */
export interface DoctorEnvironment {
  readonly host: Host;
  readonly server: FindResult;
  /** The user said which server: that it is not there is a failure then. */
  readonly isServerNamed: boolean;
  readonly outputDir: string;
  readonly user: User;
  readonly perf: LocatedPerf;
  /** What perf may sample of this user's own processes: tried where perf is there, else as the kernel's rules say. */
  readonly sees: { readonly user: boolean; readonly kernel: boolean };
}

export interface EnvironmentOptions {
  readonly host: Host;
  readonly query: TargetQuery | TargetPlace;
  readonly isServerNamed: boolean;
  /** Where sessions would be made; it need not exist. */
  readonly outputDir: string;
}

/** Looks around once: 200 ms, most of them perf's. */
export async function readEnvironment(options: EnvironmentOptions): Promise<DoctorEnvironment> {
  const { host, query, isServerNamed, outputDir } = options;
  const [user, perf] = await Promise.all([whoAmI(host), locatePerf(host)]);
  const sees =
    perf.state === 'found'
      ? {
          user: await canCount(host, `${fallbackEvent}:u`),
          kernel: await canCount(host, `${fallbackEvent}:k`),
        }
      : await allowedByRule(host, user);
  const server = findTargets('in' in query ? await locateTarget(query, host) : query, host);
  return { host, server, isServerNamed, outputDir, user, perf, sees };
}

/** A number in a file of /proc/sys; undefined where there is none. */
export async function readNumber(host: Host, path: string): Promise<number | undefined> {
  const text = (await host.readFile(path).catch(() => '')).trim();
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

async function locatePerf(host: Host): Promise<LocatedPerf> {
  const perf = await findPerf(host);
  return perf.state === 'found' ? { ...perf, path: await perfPath(host) } : perf;
}

/**
 * Ubuntu's /usr/bin/perf is a script that looks for the kernel's own. So perf starts a shell, whose parent tells;
 * where perf may not count, or may not be looked at, there is still the path.
 */
async function perfPath(host: Host): Promise<string> {
  const tell = 'readlink "/proc/$PPID/exe"';
  const asked = ['perf', 'stat', '-e', `${fallbackEvent}:u`, '-o', '/dev/null', '--', '/bin/sh', '-c', tell];
  const { stdout } = await run(host, asked, { env: perfEnvironment });
  if (stdout.startsWith('/')) return stdout.trim();
  const found = await run(host, ['/bin/sh', '-c', 'readlink -f "$(command -v perf)"']);
  return found.stdout.trim();
}

/** kernel/events/core.c: from 2 on the kernel's side is closed, from 3 on (Debian, Ubuntu) all of it. */
async function allowedByRule(host: Host, user: User): Promise<DoctorEnvironment['sees']> {
  const paranoid = (await readNumber(host, '/proc/sys/kernel/perf_event_paranoid')) ?? 2;
  const isPrivileged = user.holds('perfmon') || user.holds('sys_admin');
  return { user: isPrivileged || paranoid <= 2, kernel: isPrivileged || paranoid <= 1 };
}
