import { closeSync, constants, openSync, readSync } from 'node:fs';
import { MarkerScanner } from '../stage/scanner.ts';
import { isCode } from './errno.ts';
import type { InodeNews } from './followed-inode.ts';
import { SocketInput, type Input } from './input.ts';

const LOOK_FOR_WRITER_MS = 20;

export interface FifoEvents {
  news(news: InodeNews): void;
  ended(error?: Error): void;
}

/**
 * A named pipe, or what `<(bench)` makes: read to its end as a stream. Until its first writer opens it, it looks as if
 * at its end.
 */
export class FollowedFifo {
  readonly #fd: number;
  readonly #events: FifoEvents;
  readonly #scanner = new MarkerScanner();
  #input: Input | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws what open(2) says. */
  constructor(path: string, events: FifoEvents) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#events = events;
    this.#waitForWriter();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (this.#input) this.#input.close();
    else closeSync(this.#fd);
  }

  #waitForWriter(): void {
    this.#timer = setTimeout(() => {
      const first = Buffer.alloc(4_096);
      const got = tryRead(this.#fd, first);
      if (got === 0) return this.#waitForWriter();
      if (got !== undefined) this.#tell(first.subarray(0, got));
      this.#read();
    }, LOOK_FOR_WRITER_MS);
  }

  #read(): void {
    this.#input = new SocketInput(this.#fd, {
      bytes: (bytes) => this.#tell(bytes),
      truncated: () => {},
      ended: (error) => {
        this.#events.news({ state: 'end', bytes: 0, markers: this.#scanner.end(), history: false });
        this.#events.ended(error);
      },
    });
  }

  #tell(bytes: Buffer): true {
    const markers = this.#scanner.scan(bytes);
    this.#events.news({ state: 'bytes', bytes: bytes.length, markers, history: false });
    return true;
  }
}

/** @returns undefined when a writer is there and has written nothing yet; 0 without one. */
function tryRead(fd: number, buffer: Buffer): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (isCode(error, 'EAGAIN', 'EINTR')) return undefined;
    throw error;
  }
}
