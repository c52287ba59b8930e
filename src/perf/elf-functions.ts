import { ElfFile, type ElfSegment } from './elf-file.ts';

/** Where the functions of an ELF file begin, read from what its unwinder needs: present in stripped files too. */
export interface ElfFunctions {
  /** The start of the function that holds this offset of the file. An address as nm, objdump and addr2line show it. */
  functionAt(fileOffset: number): number | undefined;
}

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
 * @returns undefined where there is no such table: then keep the exact offset. @throws never
 */
export function readElfFunctions(path: string): ElfFunctions | undefined {
  return ElfFile.read(path, (file) => {
    const segments = file.segments() ?? [];
    const loaded = segments.filter(({ type }) => type === typeLoad);
    const frameHeader = segments.findLast(({ type }) => type === typeEhFrame);
    const starts = frameHeader && readStarts(file, frameHeader);
    if (starts === undefined || starts.length === 0) return undefined;
    return {
      functionAt: (fileOffset) => {
        const segment = loaded.find(
          ({ offset, bytes }) => fileOffset >= offset && fileOffset < offset + bytes,
        );
        if (segment === undefined) return undefined;
        return lastNotAfter(starts, fileOffset - segment.offset + segment.address);
      },
    };
  });
}

function readStarts(file: ElfFile, segment: ElfSegment): Float64Array | undefined {
  const table = file.bytesOf(segment, maximumTableBytes);
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
    starts[index] = segment.address + table.readInt32LE(12 + index * entryBytes);
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
