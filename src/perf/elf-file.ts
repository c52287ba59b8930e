import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A part of the file that is loaded, or that says something. */
export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  /** Where it is loaded: an address as nm, objdump and addr2line show it. */
  readonly address: number;
  readonly bytes: number;
}

export interface ElfSection {
  /** `.symtab`; empty where names are missing. */
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
}

const headerBytes = 64;
const segmentHeaderBytes = 56;
const sectionHeaderBytes = 64;
const magic = 0x7f454c46;
const classElf64 = 2;
const dataLittleEndian = 1;
/** Headers, names and notes: larger ones are no real file's. */
const usualMaximumBytes = 8 * 1024 * 1024;

/** A 64-bit little-endian ELF file (System V ABI, chapters 4 and 5). Nothing in it is trusted: it may be anybody's. */
export class ElfFile {
  readonly #descriptor: number;
  readonly #header: Buffer;

  private constructor(descriptor: number, header: Buffer) {
    this.#descriptor = descriptor;
    this.#header = header;
  }

  /**
   * Opens it for `use`, and closes it. @returns undefined where it cannot be read, is no such file, or is damaged so
   * that `use` throws. @throws never
   */
  static read<Result>(path: string, use: (file: ElfFile) => Result | undefined): Result | undefined {
    let descriptor: number;
    try {
      // A path out of a recording may be a pipe by now: never wait for one.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
    try {
      if (!fstatSync(descriptor).isFile()) return undefined;
      const header = readAt(descriptor, 0, headerBytes);
      const isKnown =
        header?.readUInt32BE(0) === magic && header[4] === classElf64 && header[5] === dataLittleEndian;
      return isKnown ? use(new ElfFile(descriptor, header)) : undefined;
    } catch {
      return undefined;
    } finally {
      closeSync(descriptor);
    }
  }

  /** The program headers; undefined where the file ends before them. */
  segments(): ElfSegment[] | undefined {
    const heads = this.#table(32, 54, segmentHeaderBytes);
    return heads?.map((head) => ({
      type: head.readUInt32LE(0),
      offset: Number(head.readBigUInt64LE(8)),
      address: Number(head.readBigUInt64LE(16)),
      bytes: Number(head.readBigUInt64LE(32)),
    }));
  }

  /** Undefined where the file ends before their headers; none where even those were stripped. */
  sections(): ElfSection[] | undefined {
    const heads = this.#table(40, 58, sectionHeaderBytes)?.map((head) => ({
      nameAt: head.readUInt32LE(0),
      type: head.readUInt32LE(4),
      offset: Number(head.readBigUInt64LE(24)),
      bytes: Number(head.readBigUInt64LE(32)),
    }));
    const names = heads?.[this.#header.readUInt16LE(62)];
    const text = names && this.bytesOf(names);
    return heads?.map(({ nameAt, ...section }) => ({ ...section, name: cString(text, nameAt) }));
  }

  /** @returns undefined where the file ends before, or it is larger than it can be in earnest. */
  bytesOf(
    { offset, bytes }: Pick<ElfSection, 'offset' | 'bytes'>,
    maximumBytes = usualMaximumBytes,
  ): Buffer | undefined {
    return bytes > maximumBytes ? undefined : readAt(this.#descriptor, offset, bytes);
  }

  /** @param offsetAt where the header has the table's offset. @param sizeAt its entries' size, then their number. */
  #table(offsetAt: number, sizeAt: number, entryBytes: number): Buffer[] | undefined {
    const count = this.#header.readUInt16LE(sizeAt + 2);
    if (count === 0) return [];
    if (this.#header.readUInt16LE(sizeAt) !== entryBytes) return undefined;
    const offset = Number(this.#header.readBigUInt64LE(offsetAt));
    const table = readAt(this.#descriptor, offset, count * entryBytes);
    return (
      table &&
      Array.from({ length: count }, (_, at) => table.subarray(at * entryBytes, (at + 1) * entryBytes))
    );
  }
}

/** A text that ends at a zero byte; empty where there is none. */
export function cString(bytes: Buffer | undefined, from: number): string {
  const end = bytes?.indexOf(0, from) ?? -1;
  return bytes === undefined || end < 0 ? '' : bytes.toString('utf8', from, end);
}

/** @returns undefined where the file ends before. */
function readAt(descriptor: number, offset: number, bytes: number): Buffer | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
  const buffer = Buffer.alloc(bytes);
  return readSync(descriptor, buffer, 0, bytes, offset) === bytes ? buffer : undefined;
}
