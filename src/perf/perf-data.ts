import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** The head of a perf.data, as the kernel's tools/perf/Documentation/perf.data-file-format.txt has it. */
export const magic = 'PERFILE2';
export const headerBytes = 104;
export const dataOffsetAt = 40;
export const dataSizeAt = 48;

const recordHeadBytes = 8;
/** Most records are small: one read serves thousands. */
const windowBytes = 1024 * 1024;
const typeLost = 2;
const typeLostSamples = 13;

/**
 * How many records perf had no room for, in the whole of a perf.data. `perf script` prints only those that it knows the
 * time of; what newer kernels count by event is written at the end, without one.
 * @param path on this machine. @returns 0 where it cannot be read.
 */
export async function lostIn(path: string): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return 0;
  try {
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await file.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes || header.toString('latin1', 0, 8) !== magic) return 0;
    const from = Number(header.readBigUInt64LE(dataOffsetAt));
    let lost = 0;
    let lostSamples = 0;
    await walkRecords(file, from, from + Number(header.readBigUInt64LE(dataSizeAt)), (type, record) => {
      if (type === typeLost && record.length >= 24) lost += Number(record.readBigUInt64LE(16));
      else if (type === typeLostSamples && record.length >= 16)
        lostSamples += Number(record.readBigUInt64LE(8));
    });
    // Both count the same samples.
    return Math.max(lost, lostSamples);
  } finally {
    await file.close();
  }
}

/**
 * Steps from record to record: u32 type, u16 misc, u16 size of the whole.
 * @param visit sees the records of which nothing is cut off. @returns the end of the last of them, a position in the file.
 */
export async function walkRecords(
  file: FileHandle,
  from: number,
  end: number,
  visit?: (type: number, record: Buffer) => void,
): Promise<number> {
  const window = Buffer.alloc(windowBytes);
  let windowStart = from;
  let filled = 0;
  let at = from;
  while (at + recordHeadBytes <= end) {
    let inWindow = at - windowStart;
    const isWhole =
      inWindow + recordHeadBytes <= filled && inWindow + window.readUInt16LE(inWindow + 6) <= filled;
    if (!isWhole) {
      windowStart = at;
      inWindow = 0;
      filled = (await file.read(window, 0, windowBytes, at)).bytesRead;
      if (filled < recordHeadBytes) break;
    }
    const type = window.readUInt32LE(inWindow);
    const size = window.readUInt16LE(inWindow + 6);
    // A hole that was never written reads as zeros.
    if (type === 0 || size < recordHeadBytes || at + size > end || inWindow + size > filled) break;
    visit?.(type, window.subarray(inWindow, inWindow + size));
    at += size;
  }
  return at;
}
