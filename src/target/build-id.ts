import { ElfFile } from '../perf/elf-file.ts';

/** PT_NOTE and NT_GNU_BUILD_ID. */
const typeNote = 4;
const noteOfBuildId = 3;
/** A SHA-1 has 20; a note may claim anything. */
const longestIdBytes = 64;
/** Of segments with notes, and of bytes in each: a real file has three small ones, a hostile one could keep us reading. */
const mostSegments = 16;
const mostNoteBytes = 64 * 1024;

/**
 * The build id of a process's executable, in hex: two servers with one build id have the same symbols.
 * Of a server behind its own loader it is the loader's. Undefined where there is none, or we may not look.
 */
export function buildIdOf(pid: number): string | undefined {
  return readBuildId(`/proc/${pid}/exe`);
}

/** @returns undefined where it cannot be read, or is no 64-bit little-endian ELF file. @throws never */
export function readBuildId(path: string): string | undefined {
  return ElfFile.read(path, (file) => {
    const notes = file.segments()?.filter(({ type }) => type === typeNote) ?? [];
    for (const segment of notes.slice(0, mostSegments)) {
      const bytes = file.bytesOf(segment, mostNoteBytes);
      const id = bytes && findBuildId(bytes);
      if (id !== undefined) return id.toString('hex');
    }
    return undefined;
  });
}

/** Each note: name size, descriptor size, type, name, descriptor; both padded to 4 bytes. */
function findBuildId(notes: Buffer): Buffer | undefined {
  for (let at = 0; at + 12 <= notes.length;) {
    const nameBytes = notes.readUInt32LE(at);
    const bytes = notes.readUInt32LE(at + 4);
    const from = at + 12 + Math.ceil(nameBytes / 4) * 4;
    const isGnu = notes.toString('latin1', at + 12, at + 16) === 'GNU\0';
    if (isGnu && notes.readUInt32LE(at + 8) === noteOfBuildId)
      return bytes > 0 && bytes <= longestIdBytes && from + bytes <= notes.length
        ? notes.subarray(from, from + bytes)
        : undefined;
    at = from + Math.ceil(bytes / 4) * 4;
  }
  return undefined;
}
