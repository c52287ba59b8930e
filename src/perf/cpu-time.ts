import type { Target } from '../target/contract.ts';

/** USER_HZ, which is 100 on every Linux that runs a server. */
const ticksPerSecond = 100;

/** CPU time that the process has used until now, all threads, without its children, ms. Undefined when it is gone. */
export async function processCpuMs(target: Target): Promise<number | undefined> {
  const stat = await target.readFile(`/proc/${target.pid}/stat`).catch(() => '');
  // The name, in brackets, may hold blanks and brackets; fields 14 and 15 are user and system time.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return user === undefined || system === undefined ? undefined : ((user + system) * 1_000) / ticksPerSecond;
}
