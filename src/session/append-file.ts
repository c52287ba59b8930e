import { close, constants, open, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';

const openAsync = promisify(open);
const closeAsync = promisify(close);
const writeAsync = promisify(write) as (fd: number, data: Buffer) => Promise<{ bytesWritten: number }>;

/** Pending text beyond this is given up (and told): a disk that stalls must not eat the memory, bytes. */
const PENDING_LIMIT = 256 * 1024 * 1024;

export type AppendProblem = (error: Error) => void;

/**
 * Appends lines to a file, in order, without ever holding up the caller: what comes while one write is under way
 * goes out with the next. A crash loses at most what was being written.
 */
export class AppendFile implements AsyncDisposable {
  readonly path: string;
  readonly #fd: number;
  readonly #onProblem: AppendProblem;
  #pending: string[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  private constructor(path: string, fd: number, onProblem: AppendProblem) {
    this.path = path;
    this.#fd = fd;
    this.#onProblem = onProblem;
  }

  /** @param onProblem told once when a write fails (disk full), and again if it fails after it had recovered. */
  static async open(path: string, onProblem: AppendProblem): Promise<AppendFile> {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
    return new AppendFile(path, await openAsync(path, flags, 0o600), onProblem);
  }

  /** Queues one line; the newline is added. */
  append(line: string): void {
    if (this.#closed) return;
    if (this.#pendingBytes > PENDING_LIMIT) {
      this.#fail(new Error(`${this.path}: the disk does not keep up, lines are dropped`));
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length + 1;
    // Not before the current work is done: at a marker the hooks come first.
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#drain());
  }

  /** Resolves when all that was appended so far is with the kernel, or could not be written. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** For the last moments of a crashing process: writes what is pending, now. */
  flushSync(): void {
    if (this.#closed || this.#pending.length === 0) return;
    const text = this.#take();
    try {
      writeSync(this.#fd, text);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    await this.flush();
    this.#closed = true;
    await closeAsync(this.#fd);
  }

  #take(): Buffer {
    const text = Buffer.from(this.#pending.join('\n') + '\n');
    this.#pending = [];
    this.#pendingBytes = 0;
    return text;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      let rest = this.#take();
      try {
        while (rest.length > 0) rest = rest.subarray((await writeAsync(this.#fd, rest)).bytesWritten);
        this.#failing = false;
      } catch (error) {
        this.#fail(error as Error);
      }
    }
    this.#writing = undefined;
  }

  #fail(error: Error): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#onProblem(error);
  }
}
