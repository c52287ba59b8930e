import { closeSync, openSync, readSync } from 'node:fs';

const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;
/** Program headers and notes stand at the beginning; more is not looked at, bytes. */
const HEAD_BYTES = 256 * 1024;

/**
 * The build id of a process's executable, in hex: two servers with one build id have the same symbols.
 * Of a server behind its own loader it is the loader's. Undefined where there is none, or we may not look.
 */
export function buildIdOf(pid: number): string | undefined {
  try {
    return readBuildId(readHead(`/proc/${pid}/exe`));
  } catch {
    return undefined;
  }
}

/** Of a 64-bit little-endian ELF file. @throws RangeError for offsets that point outside. */
export function readBuildId(head: Buffer): string | undefined {
  if (head.toString('latin1', 0, 4) !== '\u007fELF' || head[4] !== 2 || head[5] !== 1) return undefined;
  const table = Number(head.readBigUInt64LE(32));
  const entryBytes = head.readUInt16LE(54);
  const entries = head.readUInt16LE(56);
  for (let i = 0; i < entries; i++) {
    const at = table + i * entryBytes;
    if (head.readUInt32LE(at) !== PT_NOTE) continue;
    const offset = Number(head.readBigUInt64LE(at + 8));
    const found = findNote(head.subarray(offset, offset + Number(head.readBigUInt64LE(at + 32))));
    if (found) return found.toString('hex');
  }
  return undefined;
}

/** Each note: name size, descriptor size, type, name, descriptor; both padded to 4 bytes. */
function findNote(notes: Buffer): Buffer | undefined {
  for (let at = 0; at + 12 <= notes.length;) {
    const nameBytes = notes.readUInt32LE(at);
    const bytes = notes.readUInt32LE(at + 4);
    const from = at + 12 + Math.ceil(nameBytes / 4) * 4;
    const isGnu = notes.toString('latin1', at + 12, at + 15) === 'GNU';
    if (isGnu && notes.readUInt32LE(at + 8) === NT_GNU_BUILD_ID) return notes.subarray(from, from + bytes);
    at = from + Math.ceil(bytes / 4) * 4;
  }
  return undefined;
}

function readHead(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}
