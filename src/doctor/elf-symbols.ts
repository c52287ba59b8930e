import { cString, ElfFile } from '../perf/elf-file.ts';

/** What an ELF file says of its own symbols. */
export interface ElfSymbols {
  /** All functions have names: it is not stripped. */
  readonly hasSymtab: boolean;
  /** Those that it shares with others; a server has few. */
  readonly hasDynsym: boolean;
  /** Base name of the file that its debug information was moved to. */
  readonly debugLink?: string;
}

const typeSymtab = 2;
const typeDynsym = 11;

/** @returns undefined where it cannot be read, or is no 64-bit little-endian ELF file. @throws never */
export function readElfSymbols(path: string): ElfSymbols | undefined {
  return ElfFile.read(path, (file) => {
    const sections = file.sections();
    if (sections === undefined) return undefined;
    const link = sections.find(({ name }) => name === '.gnu_debuglink');
    const debugLink = cString(link && file.bytesOf(link), 0);
    return {
      hasSymtab: sections.some(({ type, bytes }) => type === typeSymtab && bytes > 0),
      hasDynsym: sections.some(({ type, bytes }) => type === typeDynsym && bytes > 0),
      // It becomes part of a path.
      ...(debugLink !== '' && !debugLink.includes('/') ? { debugLink } : {}),
    };
  });
}
