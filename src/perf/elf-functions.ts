import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Where the functions of an ELF file begin, read from what its unwinder needs: present in stripped files too. */
export interface ElfFunctions {
  /** The start of the function that holds this offset of the file. An address as nm, objdump and addr2line show it. */
  functionAt(fileOffset: number): number | undefined;
}

interface Segment {
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

const headerBytes = 64;
const programHeaderBytes = 56;
const typeLoad = 1;
const typeEhFrame = 0x6474e550;
/** Encodings of DWARF pointers: relative to the table, four signed bytes; what all linkers write. */
const encodingTable = 0x3b;
const encodingFour = 0x03;
const entryBytes = 8;
/** 8 million functions; larger tables are no real program's. */
const maximumTableBytes = 64 * 1024 * 1024;

/**
 * Reads the search table of `.eh_frame_hdr` (Linux Standard Base, "Exception Frames"): one sorted entry a function.
 * Nothing in the file is trusted. @returns undefined where there is no such table: then keep the exact offset.
 */
export function readElfFunctions(path: string): ElfFunctions | undefined {
  let file: number;
  try {
    // A path out of a recording may be a pipe by now: never wait for one.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return fstatSync(file).isFile() ? readFrom(file) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function readFrom(file: number): ElfFunctions | undefined {
  const header = readAt(file, 0, headerBytes);
  if (header === undefined || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const isElf64 = header[4] === 2;
  const isLittleEndian = header[5] === 1;
  if (!isElf64 || !isLittleEndian || header.readUInt16LE(54) !== programHeaderBytes) return undefined;
  const count = header.readUInt16LE(56);
  const heads = readAt(file, Number(header.readBigUInt64LE(32)), count * programHeaderBytes);
  if (heads === undefined) return undefined;

  const loaded: Segment[] = [];
  let frameHeader: Segment | undefined;
  for (let at = 0; at < heads.length; at += programHeaderBytes) {
    const segment = {
      offset: Number(heads.readBigUInt64LE(at + 8)),
      address: Number(heads.readBigUInt64LE(at + 16)),
      bytes: Number(heads.readBigUInt64LE(at + 32)),
    };
    const type = heads.readUInt32LE(at);
    if (type === typeLoad) loaded.push(segment);
    else if (type === typeEhFrame) frameHeader = segment;
  }
  const starts = frameHeader && readStarts(file, frameHeader);
  if (starts === undefined || starts.length === 0) return undefined;
  return {
    functionAt: (fileOffset) => {
      const segment = loaded.find(({ offset, bytes }) => fileOffset >= offset && fileOffset < offset + bytes);
      if (segment === undefined) return undefined;
      return lastNotAfter(starts, fileOffset - segment.offset + segment.address);
    },
  };
}

function readStarts(file: number, { offset, address, bytes }: Segment): Float64Array | undefined {
  if (bytes > maximumTableBytes) return undefined;
  const table = readAt(file, offset, bytes);
  if (table === undefined || table.length < 12) return undefined;
  const [version, framePointer = 0, countEncoding, tableEncoding] = table;
  const isKnown =
    version === 1 &&
    (framePointer & 0x0f) === 0x0b &&
    countEncoding === encodingFour &&
    tableEncoding === encodingTable;
  if (!isKnown) return undefined;
  const count = Math.min(table.readUInt32LE(8), Math.floor((table.length - 12) / entryBytes));
  const starts = new Float64Array(count);
  for (let index = 0; index < count; index++)
    starts[index] = address + table.readInt32LE(12 + index * entryBytes);
  return starts.sort();
}

function lastNotAfter(sorted: Float64Array, address: number): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= address) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : sorted[low - 1];
}

/** @returns undefined where the file ends before. */
function readAt(file: number, offset: number, bytes: number): Buffer | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
  const buffer = Buffer.alloc(bytes);
  return readSync(file, buffer, 0, bytes, offset) === bytes ? buffer : undefined;
}
