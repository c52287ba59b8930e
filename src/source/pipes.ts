import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pipe {
  /** Non-blocking; ours. */
  readonly readFd: number;
  /** Blocking; the child's. Close it once the child has it. */
  readonly writeFd: number;
}

/**
 * Real pipes for a child. Node's own are sockets, on which a script's `> /dev/stderr` or `tee /dev/stdout` fails: the
 * benchmark would see that it is being followed.
 * @returns undefined where named pipes cannot be made.
 */
export function makePipes(count: number): Pipe[] | undefined {
  let folder: string | undefined;
  const pipes: Pipe[] = [];
  try {
    const made = mkdtempSync(join(tmpdir(), 'stagewatch-pipe-'));
    folder = made;
    const paths = Array.from({ length: count }, (_, i) => join(made, String(i)));
    execFileSync('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore' });
    for (const path of paths) pipes.push(openPipe(path));
    return pipes;
  } catch {
    for (const { readFd, writeFd } of pipes) [readFd, writeFd].forEach(closeSync);
    return undefined;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function openPipe(path: string): Pipe {
  // Without O_NONBLOCK to open the reading end waits for a writer, and the writing end for a reader.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { readFd, writeFd: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}
