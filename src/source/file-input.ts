import { fstatSync, readFileSync } from 'node:fs';
import type { Input, InputEvents } from './input.ts';
import { InodeReader, watchInode } from './inode-reader.ts';
import { isOpenForWriting } from './open-writers.ts';

const READ_BYTES = 131_072;
const FIRST_CHECK_MS = 250;
const SLOWEST_CHECK_MS = 2_000;

/**
 * A regular file as standard input. What stands there is history; then it is followed, until it is read to its end and
 * nobody holds it open for writing.
 */
export class FileInput implements Input {
  readonly #events: InputEvents;
  readonly #reader: InodeReader;
  readonly #closeWatch: (() => void) | undefined;
  readonly #file: { dev: number; ino: number };
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #state: 'reading' | 'at-end' | 'checking' | 'paused' | 'closed' = 'reading';
  #timer: NodeJS.Timeout | undefined;
  /** Nobody held it open for writing when we looked last, and it has not grown since. */
  #abandoned = false;
  /** After so much silence, ms: a file that grows has a writer, and to look into every process takes milliseconds. */
  #checkAfterMs = FIRST_CHECK_MS;
  #nextCheckMs = 0;

  constructor(fd: number, events: InputEvents) {
    this.#events = events;
    const { dev, ino, size } = fstatSync(fd);
    this.#file = { dev, ino };
    this.#reader = new InodeReader(fd, currentOffset(fd), size);
    this.#closeWatch = watchInode(fd, () => this.#look());
    setImmediate(() => this.#read());
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'reading';
    this.#read();
  }

  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#closeWatch?.();
  }

  #look(): void {
    if (this.#state !== 'at-end') return;
    clearTimeout(this.#timer);
    this.#state = 'reading';
    this.#read();
  }

  #read(): void {
    if (this.#state !== 'reading') return;
    try {
      const got = this.#reader.read(this.#buffer);
      if (got.state === 'end') return this.#atEnd();
      this.#abandoned = false;
      if (got.state === 'truncated' || !got.history) this.#expectMore();
      this.#state = 'paused';
      if (got.state === 'truncated') this.#events.truncated();
      else if (!this.#events.bytes(got.bytes, got.history)) return;
    } catch (error) {
      return this.#finish(error as Error);
    }
    setImmediate(() => this.resume());
  }

  #expectMore(): void {
    this.#checkAfterMs = FIRST_CHECK_MS;
    this.#nextCheckMs = performance.now() + FIRST_CHECK_MS;
  }

  #atEnd(): void {
    if (this.#abandoned) return this.#finish();
    const leftMs = this.#nextCheckMs - performance.now();
    if (leftMs <= 0) {
      this.#state = 'checking';
      void this.#check();
    } else {
      this.#state = 'at-end';
      this.#timer = setTimeout(() => this.#look(), Math.ceil(leftMs));
    }
  }

  async #check(): Promise<void> {
    this.#abandoned = !(await isOpenForWriting(this.#file));
    if (this.#state !== 'checking') return;
    this.#checkAfterMs = Math.min(SLOWEST_CHECK_MS, this.#checkAfterMs * 2);
    this.#nextCheckMs = performance.now() + this.#checkAfterMs;
    // Once more to the end: it may have been written to before its writer closed it.
    this.#state = 'reading';
    this.#read();
  }

  #finish(error?: Error): void {
    this.close();
    this.#events.ended(error);
  }
}

/** Where an inherited description stands: whoever had it before us may have read some of the file. */
function currentOffset(fd: number): number {
  const pos = /^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return Number(pos ?? 0);
}
