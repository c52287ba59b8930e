import type { Host } from './contract.ts';

/** A process that still runs this long after SIGTERM gets SIGKILL, ms. */
const graceMs = 1_000;
const pollMs = 50;

/**
 * Processes whose environment has all of these entries (`NAME=value`): descendants of a program that was started
 * with them, also those that left its process group. One read a process; those of other users are not seen.
 */
export async function findMarked(host: Host, marks: readonly string[]): Promise<number[]> {
  const names = await host.list('/proc').catch(() => []);
  const pids = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const environment = await host.readFile(`/proc/${name}/environ`).catch(() => '');
        if (environment === '') return [];
        const entries = environment.split('\0');
        return marks.every((mark) => entries.includes(mark)) ? [Number(name)] : [];
      }),
  );
  return pids.flat();
}

/** Ends them: SIGTERM, then SIGKILL. @returns those that there were at first. */
export async function endMarked(host: Host, marks: readonly string[]): Promise<number[]> {
  const first = await findMarked(host, marks);
  let left = first;
  for (const signal of ['TERM', 'KILL'] as const) {
    if (left.length === 0) break;
    await signalAll(host, signal, left);
    const deadline = performance.now() + graceMs;
    do {
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      left = await findMarked(host, marks);
    } while (left.length > 0 && performance.now() < deadline);
  }
  return first;
}

/** Through a program of the host, since it may be another one. */
async function signalAll(host: Host, signal: 'TERM' | 'KILL', pids: readonly number[]): Promise<void> {
  const script = 'signal=$1; shift; kill -s "$signal" -- "$@"';
  await host.spawn(['/bin/sh', '-c', script, 'sh', signal, ...pids.map(String)], {
    stdio: ['ignore', 'ignore', 'ignore'],
  }).ended;
}
