import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** What an ELF file says of its own symbols. */
export interface ElfSymbols {
  /** All functions have names: it is not stripped. */
  readonly hasSymtab: boolean;
  /** Those that it shares with others; a server has few. */
  readonly hasDynsym: boolean;
  /** Base name of the file that its debug information was moved to. */
  readonly debugLink?: string;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
}

const headerBytes = 64;
const sectionHeaderBytes = 64;
const typeSymtab = 2;
const typeDynsym = 11;
/** Headers and names: larger ones are no real file's. */
const maximumBytes = 8 * 1024 * 1024;

/**
 * Reads the section headers (System V ABI, chapter 4). Nothing in the file is trusted.
 * @returns undefined where it cannot be read, or is no 64-bit little-endian ELF file.
 */
export function readElfSymbols(path: string): ElfSymbols | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const sections = fstatSync(file).isFile() ? readSections(file) : undefined;
    return sections && summarise(file, sections);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function summarise(file: number, sections: readonly Section[]): ElfSymbols {
  const link = sections.find(({ name }) => name === '.gnu_debuglink');
  const debugLink = cString(link && readAt(file, link.offset, link.bytes), 0);
  return {
    hasSymtab: sections.some(({ type, bytes }) => type === typeSymtab && bytes > 0),
    hasDynsym: sections.some(({ type, bytes }) => type === typeDynsym && bytes > 0),
    // It becomes part of a path.
    ...(debugLink !== '' && !debugLink.includes('/') ? { debugLink } : {}),
  };
}

function readSections(file: number): Section[] | undefined {
  const header = readAt(file, 0, headerBytes);
  if (header === undefined || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const isElf64 = header[4] === 2;
  const isLittleEndian = header[5] === 1;
  if (!isElf64 || !isLittleEndian) return undefined;
  // Without section headers: stripped of even those.
  const count = header.readUInt16LE(60);
  if (count === 0) return [];
  if (header.readUInt16LE(58) !== sectionHeaderBytes) return undefined;
  const heads = readAt(file, Number(header.readBigUInt64LE(40)), count * sectionHeaderBytes);
  if (heads === undefined) return undefined;
  const raw = Array.from({ length: count }, (_, index) => {
    const at = index * sectionHeaderBytes;
    return {
      nameAt: heads.readUInt32LE(at),
      type: heads.readUInt32LE(at + 4),
      offset: Number(heads.readBigUInt64LE(at + 24)),
      bytes: Number(heads.readBigUInt64LE(at + 32)),
    };
  });
  const names = raw[header.readUInt16LE(62)];
  const text = names && readAt(file, names.offset, names.bytes);
  return raw.map(({ nameAt, ...section }) => ({ ...section, name: cString(text, nameAt) }));
}

function cString(bytes: Buffer | undefined, from: number): string {
  const end = bytes?.indexOf(0, from) ?? -1;
  return bytes === undefined || end < 0 ? '' : bytes.toString('utf8', from, end);
}

/** @returns undefined where the file ends before. */
function readAt(file: number, offset: number, bytes: number): Buffer | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0 || bytes > maximumBytes) return undefined;
  const buffer = Buffer.alloc(bytes);
  return readSync(file, buffer, 0, bytes, offset) === bytes ? buffer : undefined;
}
