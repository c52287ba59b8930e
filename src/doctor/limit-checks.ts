import { type Check, ok, unknown, warning } from './check.ts';
import { type DoctorEnvironment, readNumber } from './environment.ts';

/** perf record's buffer of each CPU as it is, and off-cpu's larger one; KiB. Pages of headers are left aside. */
const bufferKib = { 'perf-record': 512, 'off-cpu': 2_048 } as const;
/** Descriptors of perf beside its events. */
const otherDescriptors = 64;

const lockedMemory: Check = {
  id: 'locked-memory',
  title: 'locked memory',
  group: 'limits',
  run: async (env) => {
    const { host, user } = env;
    const perCpuKib = (await readNumber(host, '/proc/sys/kernel/perf_event_mlock_kb')) ?? 516;
    const limit = await limitOf(env, 'Max locked memory');
    const found = `perf_event_mlock_kb ${perCpuKib} a CPU, RLIMIT_MEMLOCK ${kib(limit.soft)}`;
    if (user.holds('ipc_lock')) return ok(`${found}; neither binds us`);
    const cpus = await countCpus(env);
    const neededKib = cpus * (bufferKib['perf-record'] + bufferKib['off-cpu']);
    const allowedKib = cpus * perCpuKib + limit.soft / 1024;
    if (neededKib <= allowedKib) return ok(`${found}; enough for ${cpus} CPUs`);
    const mendKib = Math.ceil((neededKib - limit.soft / 1024) / cpus);
    return warning(
      found,
      `perf-record and off-cpu together lock ${neededKib} KiB on ${cpus} CPUs, and ${Math.floor(allowedKib)} are allowed: the second one will be refused`,
      `sysctl kernel.perf_event_mlock_kb=${mendKib}`,
    );
  },
};

const openFiles: Check = {
  id: 'open-files',
  title: 'open files',
  group: 'limits',
  run: async (env) => {
    const { host, server, user } = env;
    const { soft, hard } = await limitOf(env, 'Max open files');
    const found = `RLIMIT_NOFILE ${soft}, up to ${hard}`;
    const target = server.state === 'found' ? server.targets[0] : undefined;
    if (!target) return ok(`${found}; a server's threads decide what perf needs`);
    const threads = (await host.list(`/proc/${target.pid}/task`).catch(() => [])).length;
    if (threads === 0) return unknown(found, 'the threads of the server cannot be counted');
    const cpus = await countCpus(env);
    // perf opens each of its events (its own dummy beside the one asked for) for each thread on each CPU.
    const needed = 2 * threads * cpus + otherDescriptors;
    // It raises the soft limit by itself.
    if (needed <= hard || user.holds('sys_resource')) return ok(`${found}; perf needs about ${needed}`);
    return warning(
      found,
      `perf needs about ${needed} for ${threads} threads on ${cpus} CPUs`,
      `prlimit --nofile=${needed * 2}:${needed * 2} --pid $$`,
    );
  },
};

export const limitChecks: readonly Check[] = [lockedMemory, openFiles];

/** @param name as in the first column of /proc/PID/limits. @returns bytes, or a number. */
async function limitOf({ host }: DoctorEnvironment, name: string): Promise<{ soft: number; hard: number }> {
  const line = (await host.readFile('/proc/self/limits')).split('\n').find((text) => text.startsWith(name));
  const [soft = '', hard = ''] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  const valueOf = (word: string): number => (/^\d+$/.test(word) ? Number(word) : Number.POSITIVE_INFINITY);
  return { soft: valueOf(soft), hard: valueOf(hard) };
}

async function countCpus({ host }: DoctorEnvironment): Promise<number> {
  const stat = await host.readFile('/proc/stat');
  return Math.max(1, [...stat.matchAll(/^cpu\d+ /gm)].length);
}

const kib = (bytes: number): string =>
  Number.isFinite(bytes) ? `${Math.floor(bytes / 1024)} KiB` : 'unlimited';
