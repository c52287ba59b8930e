import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type ProcessStat, isRunning, readStat } from '../restore/stat.ts';

/** A process that may be a server, as /proc shows it. */
export interface LocalProcess {
  readonly pid: number;
  readonly stat: ProcessStat;
  /** Of a server: its title, padded with blanks, or more words of it. */
  readonly argv: readonly string[];
}

export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]/.test(name))
    .map(Number);
}

/** Undefined for what is gone, and for kernel threads. */
export function readProcess(pid: number): LocalProcess | undefined {
  const argv = readArgv(pid);
  const stat = argv.length > 0 ? readStat(pid) : undefined;
  return isRunning(stat) ? { pid, stat, argv } : undefined;
}

/** Its words, without the blanks and NULs that a title leaves at its end. */
export function readArgv(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const words = text.replace(/[\0 ]+$/, '');
    return words === '' ? [] : words.split('\0').map((word) => word.trimEnd());
  } catch {
    return [];
  }
}

/** Base name of its executable; undefined when we may not look. */
export function executableName(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** Whether a process executes code of this file: a server that was started through a loader or valgrind does. */
export function executesFile(pid: number, path: string): boolean {
  try {
    const inode = statSync(
      path.startsWith('/') ? `/proc/${pid}/root${path}` : `/proc/${pid}/cwd/${path}`,
    ).ino;
    // address perms offset dev inode path. Not the device: on overlayfs and btrfs it is another one than stat's.
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .some((line) => {
        const [, perms = '', , , mapped] = line.split(/\s+/, 5);
        return perms.includes('x') && Number(mapped) === inode && inode !== 0;
      });
  } catch {
    return false;
  }
}

/** Ourselves, our parent, its parent, and so on. */
export function ourAncestors(): Set<number> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !pids.has(pid); pid = readStat(pid)?.ppid ?? 0) pids.add(pid);
  return pids;
}
