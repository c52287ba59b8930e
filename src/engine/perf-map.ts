import { closeSync, lstatSync, openSync, readSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PerfMapKeeper } from './perf-map-keeper.ts';

/** perf looks nowhere else, whatever TMPDIR says. */
const FOLDER = '/tmp';
/** Every map of ours names the frames of this file. */
const OURS = 'engine/main.';
const LOOK_BYTES = 4 * 1024 * 1024;

/**
 * V8's flags that give JavaScript frames their names in perf, those of the interpreter too. With them V8 also writes an
 * isolate-...-v8.log into the working directory; sent to standard output, it goes where that goes: the engine's to nowhere.
 */
export const perfMapFlags = [
  '--perf-basic-prof',
  '--interpreted-frames-native-stack',
  '--no-logfile-per-isolate',
  '--logfile=-',
];

/** Where V8 writes the names of a process's frames. */
export function perfMapOf(pid: number): string {
  return join(FOLDER, `perf-${pid}.map`);
}

/** Where V8 writes a map of this process, keeps it true for as long as the process lives. */
export function keepPerfMap(): PerfMapKeeper | undefined {
  if (!process.execArgv.includes(perfMapFlags[0]!)) return undefined;
  try {
    return new PerfMapKeeper(perfMapOf(process.pid));
  } catch {
    return undefined; // no map, or none that is ours: perf shows addresses, as it does without
  }
}

export function removePerfMap(pid: number): void {
  try {
    rmSync(perfMapOf(pid), { force: true });
  } catch {
    // Somebody else's file by that name: not ours to remove.
  }
}

/** Removes maps of engines that were killed together with those who watched over them. */
export function removeStalePerfMaps(): void {
  let names: string[] = [];
  try {
    names = readdirSync(FOLDER);
  } catch {
    return; // no /tmp, no maps
  }
  for (const name of names) {
    const pid = Number(/^perf-(\d+)\.map$/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid) && isOurs(join(FOLDER, name))) removePerfMap(pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isOurs(path: string): boolean {
  try {
    const { uid } = lstatSync(path);
    if (uid !== process.getuid?.() || !lstatSync(path).isFile()) return false;
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(LOOK_BYTES);
      return bytes.subarray(0, readSync(fd, bytes)).includes(OURS);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false; // it went away, or cannot be read
  }
}
