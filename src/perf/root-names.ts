import { poolOfName } from './thread-pool.ts';

/** What stands at the root of stacks: the pool of a thread, its name, its process, or nothing. */
export const rootKinds = ['pool', 'thread', 'process', 'none'] as const;
export type RootKind = (typeof rootKinds)[number];

/** Names the roots of stacks; a process is called as its main thread is, once that was seen. */
export class RootNames {
  readonly #kind: RootKind;
  readonly #processes = new Map<number, string>();

  constructor(kind: RootKind) {
    this.#kind = kind;
  }

  /** Tells of a thread. @param pid undefined where it is not printed. */
  saw(comm: string, pid: number | undefined, tid: number): void {
    if (pid === tid && !this.#processes.has(tid)) this.#processes.set(tid, comm);
  }

  of(comm: string, pid: number | undefined): string | undefined {
    switch (this.#kind) {
      case 'none':
        return undefined;
      case 'thread':
        return comm;
      case 'pool':
        return poolOfName(comm);
      case 'process':
        return (pid === undefined ? undefined : this.#processes.get(pid)) ?? comm;
    }
  }
}
