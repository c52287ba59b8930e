import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dataOffsetAt, dataSizeAt, headerBytes, magic, walkRecords } from './perf-data.ts';

export type Repair =
  /** It was whole: untouched. */
  | { readonly state: 'good' }
  | { readonly state: 'repaired'; readonly dataBytes: number }
  /** Nothing of it can be read: not a perf.data, or cut in its head. */
  | { readonly state: 'hopeless'; readonly reason: string };

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
    const dataBytes = (await walkRecords(file, from, size)) - from;
    if (dataBytes === 0) return { state: 'hopeless', reason: 'nothing was recorded' };
    const sizeField = Buffer.alloc(8);
    sizeField.writeBigUInt64LE(BigInt(dataBytes));
    await file.write(sizeField, 0, 8, dataSizeAt);
    return { state: 'repaired', dataBytes };
  } finally {
    await file.close();
  }
}
