import { fstatSync, readSync, watch } from 'node:fs';

/** Compared before each read, so that a file rewritten beyond where we stood is noticed. */
const FINGERPRINT_BYTES = 64;

export type InodeRead =
  | {
      readonly state: 'bytes';
      /** Within the caller's buffer. */
      readonly bytes: Buffer;
      /** They stood there before the file was followed. */
      readonly history: boolean;
    }
  | { readonly state: 'end' }
  /** Emptied, or rewritten, since the last read: the next one begins at 0. */
  | { readonly state: 'truncated' };

/** Reads one open regular file as it grows, wherever its name goes. */
export class InodeReader {
  readonly fd: number;
  #offset: number;
  #historyEnd: number;
  #fingerprint: Buffer = Buffer.alloc(0);
  #seenMtimeMs = -1;

  /**
   * @param offset where to begin, bytes.
   * @param historyEnd what stands before it is history, bytes.
   */
  constructor(fd: number, offset: number, historyEnd = offset) {
    this.fd = fd;
    this.#offset = offset;
    this.#historyEnd = historyEnd;
    // Rewritten past an offset from which nothing was read yet is noticed too.
    const before = Buffer.alloc(Math.min(offset, FINGERPRINT_BYTES));
    const got = readSync(fd, before, 0, before.length, offset - before.length);
    this.#fingerprint = got === before.length ? before : Buffer.alloc(0);
  }

  /** @param buffer more than 64 bytes; the bytes read lie in it. */
  read(buffer: Buffer): InodeRead {
    const { size, mtimeMs } = fstatSync(this.fd);
    if (size < this.#offset) return this.#restart();
    if (size === this.#offset && mtimeMs === this.#seenMtimeMs) return { state: 'end' };

    const history = this.#offset < this.#historyEnd;
    const known = this.#fingerprint.length;
    const room = buffer.length - known;
    const wanted = known + (history ? Math.min(room, this.#historyEnd - this.#offset) : room);
    const got = readSync(this.fd, buffer, 0, wanted, this.#offset - known);
    if (got < known || buffer.compare(this.#fingerprint, 0, known, 0, known) !== 0) return this.#restart();
    if (got === known) {
      this.#seenMtimeMs = mtimeMs;
      return { state: 'end' };
    }
    this.#offset += got - known;
    this.#fingerprint = Buffer.from(buffer.subarray(Math.max(0, got - FINGERPRINT_BYTES), got));
    return { state: 'bytes', bytes: buffer.subarray(known, got), history };
  }

  #restart(): InodeRead {
    this.#offset = 0;
    this.#historyEnd = 0;
    this.#fingerprint = Buffer.alloc(0);
    this.#seenMtimeMs = -1;
    return { state: 'truncated' };
  }
}

/**
 * Calls `wake` at once whenever the open file is written, truncated, renamed or removed. It watches the inode behind the
 * descriptor, so that a rotated file is heard under its new name too.
 * @returns what closes it; undefined where the system has no watch left, or none for that file system.
 */
export function watchInode(fd: number, wake: () => void): (() => void) | undefined {
  try {
    const watcher = watch(`/proc/self/fd/${fd}`, { persistent: false }, wake);
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return undefined;
  }
}
