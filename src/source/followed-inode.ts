import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { MarkerScanner } from '../stage/scanner.ts';
import type { Marker } from '../stage/marker.ts';
import { InodeReader, watchInode } from './inode-reader.ts';

/** Followed files share it: each is read and scanned within one call. */
const buffer = Buffer.allocUnsafeSlow(131_072);

/** What one read brought. */
export interface InodeNews {
  readonly state: 'bytes' | 'end' | 'truncated';
  readonly bytes: number;
  readonly markers: readonly Marker[];
  readonly history: boolean;
}

export type StartAt =
  /** What stands there is skipped. */
  | 'end'
  /** What stands there is history. */
  | 'history'
  /** All of it is new. */
  | 'start';

/** One open file of a followed path: the present one, or one that was rotated away and still grows. */
export class FollowedInode {
  readonly dev: number;
  readonly ino: number;
  /** When bytes came last, or it was opened: `performance.now()`. */
  lastGrowthMs = performance.now();
  readonly isWatched: boolean;
  readonly #fd: number;
  readonly #reader: InodeReader;
  readonly #scanner = new MarkerScanner();
  readonly #closeWatch: (() => void) | undefined;
  #lastWasHistory = false;

  /** @throws what open(2) says, and for what is not a regular file. */
  constructor(path: string, startAt: StartAt, wake: () => void) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stat = fstatSync(this.#fd);
      if (!stat.isFile()) throw new Error('it is not a regular file');
      this.dev = stat.dev;
      this.ino = stat.ino;
      this.#reader = new InodeReader(
        this.#fd,
        startAt === 'end' ? stat.size : 0,
        startAt === 'start' ? 0 : stat.size,
      );
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
    this.#closeWatch = watchInode(this.#fd, wake);
    this.isWatched = this.#closeWatch !== undefined;
  }

  isSame(file: { dev: number; ino: number }): boolean {
    return file.dev === this.dev && file.ino === this.ino;
  }

  read(): InodeNews {
    const got = this.#reader.read(buffer);
    if (got.state === 'end') return { state: 'end', bytes: 0, markers: [], history: false };
    this.lastGrowthMs = performance.now();
    if (got.state === 'truncated') return { ...this.lastLine(), state: 'truncated' };
    this.#lastWasHistory = got.history;
    const markers = this.#scanner.scan(got.bytes);
    return { state: 'bytes', bytes: got.bytes.length, markers, history: got.history };
  }

  /** The last line, which no line end closed: for when no more of it comes. */
  lastLine(): InodeNews {
    return { state: 'end', bytes: 0, markers: this.#scanner.end(), history: this.#lastWasHistory };
  }

  close(): void {
    this.#closeWatch?.();
    closeSync(this.#fd);
  }
}
