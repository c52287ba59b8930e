import { StagewatchError } from '../error.ts';
import type { Host } from '../target/contract.ts';

const leastKib = 2_048;
const mostKib = 16_384;
/** Of all CPUs together. */
const totalKib = 128 * 1_024;

/**
 * Sizes of perf's buffer of each CPU for a recording of switches, KiB, the best one first. A switch that is lost makes
 * two waits wrong, and at 70,000 a second perf's half megabyte lasts 10 ms: less than it may wait for a CPU.
 */
export async function switchBuffersKib(host: Host): Promise<readonly number[]> {
  const stat = await host.readFile('/proc/stat').catch(() => '');
  const cpus = Math.max(1, [...stat.matchAll(/^cpu\d+ /gm)].length);
  // A power of two, as perf wants it.
  const shareKib = 2 ** Math.floor(Math.log2(totalKib / cpus));
  const kib = Math.min(mostKib, shareKib);
  return kib > leastKib ? [kib, leastKib] : [leastKib];
}

/** perf may not lock as much memory: kernel.perf_event_mlock_kb, RLIMIT_MEMLOCK. */
export function isOutOfBuffer(error: unknown): boolean {
  return error instanceof StagewatchError && error.code === 'perf-no-buffer';
}
