import { readSync } from 'node:fs';

/** Small enough for the processor's cache, and many times the longest record, 64 KiB. */
const windowBytes = 512 * 1024;

/** Records of perf.data, where they lie in memory: `words` and `bytes` are the same memory. Reused for the next. */
export interface Window {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
}

export function newWindow(): Window {
  const memory = new ArrayBuffer(windowBytes);
  return { bytes: Buffer.from(memory), words: new Uint32Array(memory) };
}

/**
 * Steps from record to record, as walkRecords does, without a promise: for what must look at millions of them.
 * @param passedOver records of this type are stepped over; 0 for none.
 * @param visit gets the type of a record and where it lies, in bytes; false ends the walk.
 * @returns whether all were whole and visited.
 */
export function visitRecords(
  file: number,
  window: Window,
  from: number,
  end: number,
  passedOver: number,
  visit: (type: number, at: number, size: number) => boolean | void,
): boolean {
  const { bytes, words } = window;
  for (let position = from; position < end;) {
    const filled = readSync(file, bytes, 0, Math.min(windowBytes, end - position), position);
    let at = 0;
    while (at + 8 <= filled) {
      const size = (words[(at >> 2) + 1] as number) >>> 16;
      // Sizes are whole words of 8 bytes; a hole that was never written reads as zeros.
      if (size < 8 || (size & 7) !== 0) return false;
      if (at + size > filled) break;
      const type = words[at >> 2] as number;
      if (type !== passedOver && visit(type, at, size) === false) return false;
      at += size;
    }
    if (at === 0) return false;
    position += at;
  }
  return true;
}
