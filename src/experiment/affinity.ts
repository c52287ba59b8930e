import { readdirSync, readFileSync } from 'node:fs';
import { BenchmarkError } from '../bench/error.ts';
import { MissingError } from '../error.ts';
import { run } from '../perf/run.ts';
import { parseStat } from '../restore/stat.ts';
import type { Host } from '../target/contract.ts';

/** A thread, and where it may run. */
export interface ThreadPlace {
  readonly tid: number;
  readonly pid: number;
  /** Its own start, clock ticks since boot. */
  readonly startTicks: number;
  /** As the kernel writes it: `0-1,4`. */
  readonly cpus: string;
}

/** All threads of a process, the main one first; those that end meanwhile are left out. None when it is gone. */
export function threadsOf(pid: number): ThreadPlace[] {
  const threads = tidsOf(pid).map((tid) => threadOf(pid, tid));
  // PIDs wrap around: the main thread's number need not be the lowest.
  return threads
    .filter((thread) => thread !== undefined)
    .toSorted((a, b) => Number(b.tid === pid) - Number(a.tid === pid) || a.tid - b.tid);
}

/** Undefined when there is no such thread. */
export function threadOf(pid: number, tid: number): ThreadPlace | undefined {
  try {
    const folder = `/proc/${pid}/task/${tid}`;
    const { startTicks } = parseStat(readFileSync(`${folder}/stat`, 'utf8'));
    const cpus = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1];
    return cpus === undefined ? undefined : { tid, pid, startTicks, cpus };
  } catch {
    return undefined;
  }
}

/**
 * Moves one thread, or with `all` every thread of the process that it belongs to; new threads inherit.
 * @param cpus as the kernel writes them.
 * @throws {MissingError} no-taskset. @throws {BenchmarkError} affinity-refused.
 */
export async function moveThread(host: Host, tid: number, cpus: string, which: 'one' | 'all'): Promise<void> {
  const stderr = await taskset(host, which === 'all' ? '-acp' : '-cp', cpus, String(tid));
  if (stderr === undefined) return;
  throw new BenchmarkError(
    'affinity-refused',
    `Thread ${tid} could not be moved to the CPUs ${cpus}: ${stderr}. Only root may move another user's threads, and a container may be confined to some CPUs.`,
  );
}

/** @throws {MissingError} no-taskset */
export async function demandTaskset(host: Host): Promise<void> {
  await taskset(host, '--version');
}

/** @returns what it complained of; undefined when all is well. @throws {MissingError} no-taskset */
async function taskset(host: Host, ...args: readonly string[]): Promise<string | undefined> {
  const { end, stderr } = await run(host, ['taskset', ...args]);
  if (end.state === 'not-started')
    throw new MissingError(
      'no-taskset',
      `Expected taskset to be there for --server-cpus and --client-cpus (package util-linux): ${end.error.message}`,
      { cause: end.error },
    );
  return end.state === 'exited' && end.exitCode === 0 ? undefined : stderr.trim() || 'taskset failed';
}

function tidsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
