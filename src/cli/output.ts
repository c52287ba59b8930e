import { constants, fstatSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { messageOf, UsageError } from '../error.ts';

/** Lines that a reader does not take are kept up to this, characters; then the oldest are dropped, and that is told. */
const KEEP = 256 * 1024;
const RETRY_MS = 20;

/**
 * Writes all of a result to a descriptor, as slowly as its reader takes it. Without Node's streams, which would make
 * the descriptor non-blocking for every program that shares it. A reader that has gone is no failure.
 */
export function writeResult(fd: number, text: string | Uint8Array): void {
  for (let rest = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text); rest.length > 0;) {
    const written = tryWrite(fd, rest);
    if (written === 'gone') return;
    if (written === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    rest = rest.subarray(written);
  }
}

/** `--json [FILE]`: to standard output, or to the file that was named. @throws {UsageError} when that cannot be written. */
export function writeJson(file: string | true, value: object): void {
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  if (file === true) return writeResult(1, text);
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new UsageError(
      'json-file',
      `Expected --json to be a file that can be written, got "${file}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Asked of the descriptor: to touch Node's own stream would make it non-blocking for all who share it. */
export function useColour(fd: number): boolean {
  return process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb' && isatty(fd);
}

/** Status lines while something runs: a reader that stalls must never hold up the hooks. */
export class StatusOutput implements Disposable {
  readonly #fd: number;
  #pending = '';
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(fd: number) {
    this.#fd = privateFd(fd);
  }

  write(text: string): void {
    this.#pending += text;
    if (this.#pending.length > KEEP) {
      this.#dropped += this.#pending.length - KEEP;
      this.#pending = this.#pending.slice(this.#pending.indexOf('\n', this.#pending.length - KEEP) + 1);
    }
    this.#flush();
  }

  /** What is not taken by now is given up. */
  [Symbol.dispose](): void {
    this.#flush();
    clearTimeout(this.#retry);
  }

  #flush(): void {
    while (this.#pending !== '') {
      const bytes = Buffer.from(this.#pending);
      const written = tryWrite(this.#fd, bytes);
      if (written === 'gone') {
        this.#pending = '';
        return;
      }
      this.#pending = bytes.subarray(written).toString();
      if (written === 0) {
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined;
          this.#flush();
        }, RETRY_MS).unref();
        return;
      }
    }
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.write(`stagewatch: ${dropped} characters of status were dropped, since nobody read them\n`);
    }
  }
}

function tryWrite(fd: number, bytes: Buffer): number | 'gone' {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : 'gone';
  }
}

/** The same pipe or terminal, non-blocking for us alone; anything else as it is. */
function privateFd(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd; // not ours to open again, or no /proc: it may block, as any program's does
  }
}
