import { basename } from 'node:path';

export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** Of the file, where `start` is. */
  readonly fileOffset: number;
  /** As the kernel calls it: `/usr/bin/valkey-server`, `[vdso]`, `//anon`. */
  readonly dso: string;
}

const mmapPattern =
  /^PERF_RECORD_MMAP2? (-?\d+)\/-?\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (?:0x)?([0-9a-f]+)[^\]]*\]: (\S+) (.*)$/s;
const forkPattern = /^PERF_RECORD_FORK\((-?\d+):-?\d+\):\((-?\d+):-?\d+\)/;
const execPattern = /^PERF_RECORD_COMM exec: .*:(-?\d+)\/-?\d+$/s;

/** What is mapped where, by process, as perf's events tell it; a forked child has what its parent had. */
export class Mappings {
  readonly #byPid = new Map<number, Mapping[]>();
  /** Changes with every event: what was looked up before may be stale. */
  generation = 0;

  /** @param event `PERF_RECORD_...`, as `perf script` prints it. Others are passed over. */
  accept(event: string): void {
    if (event.startsWith('PERF_RECORD_MMAP')) this.#map(event);
    else if (event.startsWith('PERF_RECORD_FORK')) this.#fork(event);
    else if (event.startsWith('PERF_RECORD_COMM exec')) this.#exec(event);
  }

  /** The executable mapping at an address of a process. */
  find(pid: number, address: number): Mapping | undefined {
    // The latest wins where they overlap.
    return this.#byPid.get(pid)?.findLast(({ start, end }) => address >= start && address < end);
  }

  #map(event: string): void {
    const [, pid, start = '', length = '', offset = '', , dso = ''] = mmapPattern.exec(event) ?? [];
    if (pid === undefined) return;
    const from = Number.parseInt(start, 16);
    const mapping = {
      start: from,
      end: from + Number.parseInt(length, 16),
      fileOffset: Number.parseInt(offset, 16),
      dso: dso.trimEnd(),
    };
    const mappings = this.#byPid.get(Number(pid));
    if (mappings === undefined) this.#byPid.set(Number(pid), [mapping]);
    else {
      // Covered ones are gone: a process that maps and unmaps for days must not grow this without end.
      const kept = mappings.filter(({ start, end }) => start < mapping.start || end > mapping.end);
      this.#byPid.set(Number(pid), [...kept, mapping]);
    }
    this.generation++;
  }

  #fork(event: string): void {
    const [, child, parent] = forkPattern.exec(event) ?? [];
    if (child === undefined) return;
    const inherited = this.#byPid.get(Number(parent));
    if (child !== parent && inherited !== undefined) {
      this.#byPid.set(Number(child), inherited);
      this.generation++;
    }
  }

  #exec(event: string): void {
    const [, pid] = execPattern.exec(event) ?? [];
    if (pid === undefined) return;
    this.#byPid.delete(Number(pid));
    this.generation++;
  }
}

/** `valkey-server` of `/usr/bin/valkey-server (deleted)`. */
export function dsoName(dso: string): string {
  return basename(dso.replace(/ \(deleted\)$/, ''));
}
