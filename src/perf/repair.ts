import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

export type Repair =
  /** It was whole: untouched. */
  | { readonly state: 'good' }
  | { readonly state: 'repaired'; readonly dataBytes: number }
  /** Nothing of it can be read: not a perf.data, or cut in its head. */
  | { readonly state: 'hopeless'; readonly reason: string };

const magic = 'PERFILE2';
const headerBytes = 104;
const dataOffsetAt = 40;
const dataSizeAt = 48;
const recordHeadBytes = 8;
/** Records are cut to whole ones by reading their heads; a window keeps that to few reads. */
const windowBytes = 1024 * 1024;

/**
 * Makes a perf.data readable whose perf was killed: perf writes the size of its data last, so it is still 0 in the
 * header, and perf then reads no sample. Sets it to the end of the last whole record. Never touches a good file, and
 * never one that is being written: call it after perf has ended.
 * @param path on this machine. @throws the file system's error.
 */
export async function repairPerfData(path: string): Promise<Repair> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    if (!isFile) return { state: 'hopeless', reason: 'not a regular file' };
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await file.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes) return { state: 'hopeless', reason: 'cut in its header' };
    if (header.toString('latin1', 0, 8) !== magic)
      return { state: 'hopeless', reason: 'not a perf.data of this byte order' };
    if (header.readBigUInt64LE(dataSizeAt) !== 0n) return { state: 'good' };
    const from = Number(header.readBigUInt64LE(dataOffsetAt));
    if (from < headerBytes || from > size) return { state: 'hopeless', reason: 'its data lie outside of it' };
    const dataBytes = (await endOfRecords(file, from, size)) - from;
    if (dataBytes === 0) return { state: 'hopeless', reason: 'nothing was recorded' };
    const sizeField = Buffer.alloc(8);
    sizeField.writeBigUInt64LE(BigInt(dataBytes));
    await file.write(sizeField, 0, 8, dataSizeAt);
    return { state: 'repaired', dataBytes };
  } finally {
    await file.close();
  }
}

/** Steps from record to record: u32 type, u16 misc, u16 size of the whole. */
async function endOfRecords(
  file: Awaited<ReturnType<typeof open>>,
  from: number,
  fileSize: number,
): Promise<number> {
  const window = Buffer.alloc(windowBytes);
  let windowStart = from;
  let filled = 0;
  let at = from;
  while (at + recordHeadBytes <= fileSize) {
    if (at + recordHeadBytes > windowStart + filled) {
      windowStart = at;
      filled = (await file.read(window, 0, windowBytes, at)).bytesRead;
      if (filled < recordHeadBytes) break;
    }
    const type = window.readUInt32LE(at - windowStart);
    const size = window.readUInt16LE(at - windowStart + 6);
    // A hole that was never written reads as zeros.
    if (type === 0 || size < recordHeadBytes || at + size > fileSize) break;
    at += size;
  }
  return at;
}
