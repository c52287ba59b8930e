import { constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Time on the event loop between two turns, ms: the scan may meet thousands of processes. */
const SLICE_MS = 5;

/**
 * Whether another process holds that file open for writing. Processes of other users, which we may not look into, are
 * not counted.
 */
export async function isOpenForWriting(file: { dev: number; ino: number }): Promise<boolean> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (const entry of listFolder('/proc')) {
    if (!/^\d+$/.test(entry) || entry === String(process.pid)) continue;
    if (listFolder(`/proc/${entry}/fd`).some((fd) => holdsForWriting(entry, fd, file))) return true;
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MS;
  }
  return false;
}

function holdsForWriting(pid: string, fd: string, file: { dev: number; ino: number }): boolean {
  try {
    const path = `/proc/${pid}/fd/${fd}`;
    if (!readlinkSync(path).startsWith('/')) return false; // A socket, a pipe: no need to stat it.
    const { dev, ino } = statSync(path);
    if (dev !== file.dev || ino !== file.ino) return false;
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
  } catch {
    return false; // Closed meanwhile, or another user's.
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // It has ended, or is another user's.
  }
}
