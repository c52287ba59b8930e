import { perfCapabilities } from '../perf/capabilities.ts';
import { run } from '../perf/run.ts';
import { type Check, failed, type Finding, ok, unknown, warning } from './check.ts';
import { type DoctorEnvironment, readNumber } from './environment.ts';
import type { Capability } from './user.ts';

const capabilities: Check = {
  id: 'capabilities',
  title: 'capabilities',
  group: 'rights',
  run: async ({ user, perf, sees }) => {
    const wanted: readonly Capability[] = ['perfmon', 'sys_ptrace'];
    const held = [...wanted, 'sys_admin' as const].filter((name) => user.holds(name));
    const has = held.length > 0 ? held.map((name) => `CAP_${name.toUpperCase()}`).join(', ') : 'none';
    const who = `user ${user.name}: ${has}`;
    if (held.includes('sys_admin') || wanted.every((name) => held.includes(name))) return ok(who);
    if (sees.kernel && perf.state === 'found')
      return ok(`${who}; perf may look into the kernel all the same`);
    return warning(
      who,
      'perf may look at processes of this user alone; as an alternative to root, give perf itself the right (to all users who may execute it)',
      perf.state === 'found' ? setcapCommand(perf.path) : undefined,
    );
  },
};

const paranoia: Check = {
  id: 'perf-event-paranoid',
  title: 'perf_event_paranoid',
  group: 'rights',
  run: async ({ host, sees, perf }) => {
    const level = await readNumber(host, '/proc/sys/kernel/perf_event_paranoid');
    if (level === undefined)
      return failed('not there', 'this kernel has no perf events, or /proc/sys is hidden from us');
    if (sees.kernel) return ok(level > 1 ? `${level}, which does not bind us` : String(level));
    if (level > 2)
      return failed(
        String(level),
        'only root and CAP_PERFMON may use perf; 2 allows the user space of your own processes, 1 the kernel too',
        'sysctl kernel.perf_event_paranoid=1',
      );
    if (!sees.user || level < 2)
      return failed(
        `${level}, and yet perf is refused`,
        'something else keeps it away: a seccomp filter or a security module, as in containers',
        'start the container with --cap-add PERFMON --cap-add SYS_PTRACE',
      );
    return warning(
      String(level),
      `only the user space of your own processes is seen (events become ${perf.state === 'found' ? 'cpu-clock:u, ' : ''}cycles:u): no kernel frames, no off-cpu`,
      'sysctl kernel.perf_event_paranoid=1',
    );
  },
};

const kernelPointers: Check = {
  id: 'kptr-restrict',
  title: 'kptr_restrict',
  group: 'rights',
  run: async (env) => {
    const level = await readNumber(env.host, '/proc/sys/kernel/kptr_restrict');
    const found = level === undefined ? 'not there' : String(level);
    if (!env.sees.kernel) return ok(`${found}; kernel frames are not seen anyway`);
    if (await kernelSymbolsShow(env)) return ok(`${found}; kernel functions have names`);
    const { perf, user } = env;
    // perf has rights of its own then, and may see what we do not.
    const paranoid = (await readNumber(env.host, '/proc/sys/kernel/perf_event_paranoid')) ?? 2;
    if (paranoid > 1 && perf.state === 'found' && !user.holds('syslog'))
      return unknown(
        `${found}; hidden from us, not from a perf with CAP_SYSLOG`,
        'without it kernel frames are all called [kernel]',
        setcapCommand(perf.path),
      );
    return warning(
      found,
      'the addresses of kernel functions are hidden, so that their frames are all called [kernel]',
      'sysctl kernel.kptr_restrict=0',
    );
  },
};

const ptraceScope: Check = {
  id: 'ptrace-scope',
  title: 'yama ptrace_scope',
  group: 'rights',
  run: async ({ host }): Promise<Finding> => {
    const scope = await readNumber(host, '/proc/sys/kernel/yama/ptrace_scope');
    if (scope === undefined) return ok('no Yama in this kernel');
    // Yama refuses to attach; perf asks to read only (ptrace(2), PTRACE_MODE_READ), which goes by user ids.
    return ok(scope === 0 ? '0' : `${scope}: binds gdb and strace, not perf`);
  },
};

export const rightChecks: readonly Check[] = [capabilities, paranoia, kernelPointers, ptraceScope];

/** The command that lets perf do for everybody what root may. */
export function setcapCommand(perf: string): string {
  return `setcap ${perfCapabilities} ${/^[\w/.+-]+$/.test(perf) ? perf : `'${perf}'`}`;
}

/** Hidden addresses read as 0. grep ends at the first, so that not all of 10 MB is made; bare images have none. */
async function kernelSymbolsShow({ host }: DoctorEnvironment): Promise<boolean> {
  const { end, stdout } = await run(host, ['grep', '-m', '1', ' [Tt] _stext$', '/proc/kallsyms']);
  const symbols =
    end.state === 'not-started' ? await host.readFile('/proc/kallsyms').catch(() => '') : stdout;
  return /^(?=0*[1-9a-f])[0-9a-f]+ [Tt] _stext$/m.test(symbols);
}
