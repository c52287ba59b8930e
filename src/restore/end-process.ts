import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessGroup } from './group.ts';
import { isRunning, readStat } from './stat.ts';

/** Between looks at a process that was told to end, ms. */
const lookEveryMs = 20;

/** PID and start time, clock ticks since boot: together nobody else's. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** False also when the PID is another process's by now, or it only waits for its parent to notice that it ended. */
export function isStillRunning({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return isRunning(stat) && stat.startTicks === startTicks;
}

/**
 * Ends a process that is no child of ours any more, and its group: SIGINT first, by which perf completes its file, then
 * SIGTERM and SIGKILL. The leader must be there: long after it, its group's number may be anybody's.
 * @param graceMs after each signal.
 * @returns whether it has gone.
 */
export async function endProcess(identity: ProcessIdentity, graceMs = 2_000): Promise<boolean> {
  const group = new ProcessGroup(identity.pid, identity.startTicks);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    if (!isStillRunning(identity)) return true;
    group.signal(signal);
    // A stopped process sees a signal only when it is continued.
    group.signal('SIGCONT');
    const deadline = performance.now() + graceMs;
    while (isStillRunning(identity) && performance.now() < deadline) await sleep(lookEveryMs);
  }
  return !isStillRunning(identity);
}
