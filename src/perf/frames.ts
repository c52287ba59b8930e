import { type Annotation, annotationOf } from './collapse-frame.ts';
import { dsoName, type Mappings } from './mappings.ts';
import { type ElfFunctions, readElfFunctions } from './elf-functions.ts';
import type { ProfiledProcess } from './thread-pool.ts';

/** Addresses of the kernel's half; user space ends at 2^47 (2^56 with five levels). */
const kernelHalf = 0xff00000000000000;

/** @param ip address of a frame, as `perf script` prints it. */
export const isKernelAddress = (ip: number): boolean => ip >= kernelHalf;

export interface Frame {
  readonly name: string;
  /** It has no symbol, and is not the kernel's. */
  readonly unresolved: boolean;
  /** What it is called by: its symbol, its line, or its line in that process with what is mapped there now. */
  readonly by: 'symbol' | 'line' | 'process';
}

export interface FrameSettings {
  readonly target: ProfiledProcess;
  readonly mappings: Mappings;
  /**
   * Where the files of the target's mappings stand: `/proc/PID/root` while it runs, `` for this system. Undefined
   * where they are on another machine: then unresolved frames keep their exact offset.
   */
  readonly root: string | undefined;
  /** Marks frames of the kernel `_[k]`, of code compiled at run time `_[j]`. */
  readonly annotate?: Annotation | undefined;
}

/**
 * Names the frames that `perf script` prints. What has no symbol becomes `[valkey-check-rdb+0x7cf40]`, the start of its
 * function as nm and addr2line show it: raw addresses change at each restart, and every instruction would be a frame.
 */
export class Frames {
  readonly #settings: FrameSettings;
  readonly #functions = new Map<string, ElfFunctions | undefined>();

  constructor(settings: FrameSettings) {
    this.#settings = settings;
  }

  /** @param line from its address on: `7cf90 [unknown] (/usr/bin/valkey-check-rdb)`. */
  read(line: string, pid: number): Frame {
    const frame = splitFrame(line);
    const { annotate } = this.#settings;
    const named = this.#read(frame, pid);
    return annotate === undefined
      ? named
      : { ...named, name: named.name + annotationOf(frame.dso, annotate) };
  }

  #read({ address, symbol, dso }: ReturnType<typeof splitFrame>, pid: number): Frame {
    if (symbol !== '[unknown]' && symbol !== '')
      return { name: cleanName(symbol), unresolved: false, by: 'symbol' };
    const ip = Number.parseInt(address, 16);
    if (isKernelAddress(ip) && isKernel(dso)) return { name: '[kernel]', unresolved: false, by: 'line' };
    return { name: this.#unresolved(ip, dso, pid), unresolved: true, by: 'process' };
  }

  #unresolved(ip: number, dso: string, pid: number): string {
    const { mappings, target } = this.#settings;
    // A child whose fork perf did not see has the addresses of its parent.
    const mapping = mappings.find(pid, ip) ?? mappings.find(target.pid, ip);
    const file = mapping?.dso ?? dso;
    if (file === '' || file === '[unknown]') return '[unknown]';
    if (/^\/tmp\/perf-\d+\.map$/.test(file)) return '[jit]';
    if (file.startsWith('//anon') || file.startsWith('/memfd:') || file.startsWith('anon_inode:'))
      return '[anon]';
    if (file.startsWith('[')) return cleanName(file);
    // Since perf 4.18 the address of a user frame is printed as the offset in its file already; before, as it was.
    const offset = mapping === undefined ? ip : ip - mapping.start + mapping.fileOffset;
    const start = file.endsWith(' (deleted)') ? undefined : this.#functionsOf(file)?.functionAt(offset);
    return cleanName(`[${dsoName(file)}+0x${(start ?? offset).toString(16)}]`);
  }

  #functionsOf(file: string): ElfFunctions | undefined {
    const { root } = this.#settings;
    if (root === undefined || !file.startsWith('/')) return undefined;
    if (!this.#functions.has(file))
      this.#functions.set(file, readElfFunctions(root + file) ?? readElfFunctions(file));
    return this.#functions.get(file);
  }
}

/** The symbol may hold blanks and brackets (C++), and so may the path: the last balanced bracket is the path's. */
function splitFrame(line: string): { address: string; symbol: string; dso: string } {
  const blank = line.indexOf(' ');
  if (blank < 0) return { address: line, symbol: '', dso: '' };
  const address = line.slice(0, blank);
  const rest = line.slice(blank + 1).trimEnd();
  if (!rest.endsWith(')')) return { address, symbol: rest, dso: '' };
  let depth = 0;
  for (let at = rest.length - 1; at >= 0; at--) {
    if (rest[at] === ')') depth++;
    else if (rest[at] === '(' && --depth === 0)
      return { address, symbol: rest.slice(0, at).trimEnd(), dso: rest.slice(at + 1, -1) };
  }
  return { address, symbol: rest, dso: '' };
}

function isKernel(dso: string): boolean {
  return dso === '' || (dso.startsWith('[') && dso !== '[vsyscall]');
}

/** Folded stacks are lines of names between semicolons, with a blank before the count. */
export function cleanName(name: string): string {
  return name.replaceAll(';', ':').replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}
