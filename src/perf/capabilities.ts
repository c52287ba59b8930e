import { MissingError, StagewatchError } from '../error.ts';
import type { Host, Target } from '../target/contract.ts';
import { perfEnvironment, run } from './run.ts';

/** `ping` and `evlist` on the control pipe came with 5.12. */
const oldestPerf = [5, 12] as const;

/**
 * What lets perf do for every user what root may: see any process, its mappings, and the names of kernel functions
 * (Documentation/admin-guide/perf-security.rst).
 */
export const perfCapabilities = 'cap_perfmon,cap_sys_ptrace,cap_syslog=ep';

/** The event that works everywhere: a timer, also where the machine shows no hardware counters. */
export const fallbackEvent = 'cpu-clock';

export type PerfFound =
  | { readonly state: 'found'; readonly version: string }
  | { readonly state: 'missing' | 'too-old'; readonly reason: string; readonly mend: string };

/** Is there a perf, and one that is new enough? */
export async function findPerf(host: Host): Promise<PerfFound> {
  const { end, stdout, stderr } = await run(host, ['perf', '--version'], { env: perfEnvironment });
  const version = /perf version (\S+)/.exec(stdout)?.[1];
  if (version === undefined) {
    const found =
      end.state === 'not-started' ? 'was not found' : `does not run: ${firstLine(stderr || stdout)}`;
    return { state: 'missing', reason: `perf ${found} on ${host.name}`, mend: await installCommand(host) };
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestPerf;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))
    return { state: 'found', version };
  const reason = `Expected perf ${oldestPerf.join('.')} or newer on ${host.name}, found ${version}`;
  return { state: 'too-old', reason, mend: await installCommand(host) };
}

/**
 * The version of perf there, `6.1.187`.
 * @throws MissingError with the command that installs it; StagewatchError `perf-too-old`.
 */
export async function perfVersion(host: Host): Promise<string> {
  const perf = await findPerf(host);
  if (perf.state === 'found') return perf.version;
  const { reason, mend } = perf;
  if (perf.state === 'missing') throw new MissingError('perf-missing', `${reason}. Install it with: ${mend}`);
  throw new StagewatchError('perf-too-old', `${reason}. Update it with: ${mend}`);
}

/** The command that brings perf, by the system there. */
export async function installCommand(host: Host): Promise<string> {
  const release = await host.readFile('/etc/os-release').catch(() => '');
  const ids = [...release.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(([, words = '']) =>
    words.split(' '),
  );
  const commands: [string, string][] = [
    ['ubuntu', 'apt-get install linux-tools-$(uname -r)'],
    ['debian', 'apt-get install linux-perf'],
    ['fedora', 'dnf install perf'],
    ['rhel', 'dnf install perf'],
    ['amzn', 'dnf install perf'],
    ['suse', 'zypper install perf'],
    ['opensuse', 'zypper install perf'],
    ['arch', 'pacman -S perf'],
    ['alpine', 'apk add perf'],
  ];
  return commands.find(([id]) => ids.includes(id))?.[1] ?? "the system's package of Linux perf";
}

/** Whether the kernel and the machine there can count it. */
export async function canCount(host: Host, event: string): Promise<boolean> {
  const { end, stderr } = await run(host, ['perf', 'stat', '-x', ',', '-e', event, '--', 'true'], {
    env: perfEnvironment,
  });
  return end.state === 'exited' && end.exitCode === 0 && !stderr.includes('<not ');
}

/** The wanted event where it can be counted, else `cpu-clock`. */
export async function chooseEvent(host: Host, wanted: string): Promise<string> {
  return wanted === fallbackEvent || (await canCount(host, wanted)) ? wanted : fallbackEvent;
}

/** The events of a finished perf.data as they were really recorded, `cpu-clock:u`. Empty when it cannot be read. */
export async function recordedEvents(host: Host, perfData: string): Promise<string[]> {
  const { stdout } = await run(host, ['perf', 'evlist', '-i', perfData], { env: perfEnvironment });
  return eventNames(stdout);
}

/** Of what `evlist` prints; perf's own `dummy` events, which only carry mappings, left out. */
export function eventNames(evlist: string): string[] {
  return evlist.split('\n').filter((line) => /^[^\s#:][^\s]*$/.test(line) && !isDummy(line));
}

export function isDummy(event: string): boolean {
  return /^dummy(:|$)/.test(event);
}

/**
 * Why perf may not look into that process, and what would allow it. perf prints one text for all causes, so the
 * user ids are compared here. Undefined where nothing speaks against it, or where perf holds capabilities of its own.
 */
export async function refusalOf(target: Target): Promise<{ reason: string; mend: string } | undefined> {
  const [own, theirs, paranoid] = await Promise.all([
    target.readFile('/proc/self/status').catch(() => ''),
    target.readFile(`/proc/${target.pid}/status`).catch(() => ''),
    target.readFile('/proc/sys/kernel/perf_event_paranoid').then(Number, () => Number.NaN),
  ]);
  if (effectiveUid(own) === 0 || holdsPerfmon(own)) return undefined;
  const refusal = suspicion(target.pid, own, theirs, paranoid);
  // `setcap` gives them to the file of perf: nothing of ours shows that, so it is tried.
  return refusal !== undefined && (await mayCount(target)) ? undefined : refusal;
}

/** Whether perf may sample whole CPUs there, whatever runs on them. */
export async function maySampleSystem(host: Host): Promise<boolean> {
  const argv = ['perf', 'stat', '-a', '-e', fallbackEvent, '--', 'true'];
  const { end } = await run(host, argv, { env: perfEnvironment });
  return end.state === 'exited' && end.exitCode === 0;
}

/** Whether perf may attach to that process. */
async function mayCount(target: Target): Promise<boolean> {
  const argv = ['perf', 'stat', '-e', `${fallbackEvent}:u`, '-p', String(target.pid), '--', 'true'];
  const { end } = await run(target, argv, { env: perfEnvironment });
  return end.state === 'exited' && end.exitCode === 0;
}

/** @param own and @param theirs the texts of /proc/PID/status; empty where it cannot be read. */
function suspicion(
  pid: number,
  own: string,
  theirs: string,
  paranoid: number,
): { reason: string; mend: string } | undefined {
  if (theirs !== '' && effectiveUid(own) !== effectiveUid(theirs))
    return {
      reason: `process ${pid} belongs to user ${effectiveUid(theirs)}, and this is user ${effectiveUid(own)}`,
      mend: `run stagewatch as root or as that user, or: setcap ${perfCapabilities} "$(readlink -f "$(command -v perf)")"`,
    };
  if (paranoid > 2)
    return {
      reason: `kernel.perf_event_paranoid is ${paranoid}, which keeps perf from users other than root`,
      mend: 'sysctl kernel.perf_event_paranoid=2',
    };
  return undefined;
}

function effectiveUid(status: string): number | undefined {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

function holdsPerfmon(status: string): boolean {
  const mask = /^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1];
  const capPerfmon = 38n;
  return mask !== undefined && ((BigInt(`0x${mask}`) >> capPerfmon) & 1n) === 1n;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
