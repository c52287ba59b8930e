import type { Target } from '../target/contract.ts';
import { TaskFiles } from './task-files.ts';

/** How long each thread has been on a CPU since it began, as the scheduler counts. */
export interface RunTimes {
  /** CLOCK_MONOTONIC. */
  readonly atNs: bigint;
  /** ns by thread id. Empty where the kernel keeps no `schedstat`. */
  readonly runNs: ReadonlyMap<number, number>;
}

/** Reads them again and again: 10 µs a thread, where ThreadFiles takes 60. */
export class RunTimeFiles implements Disposable {
  readonly #files: TaskFiles;

  constructor(target: Target) {
    this.#files = new TaskFiles(target, ['schedstat']);
  }

  /** @throws never */
  async read(): Promise<RunTimes> {
    const { ofThreads } = await this.#files.read();
    const atNs = process.hrtime.bigint();
    const runNs = new Map<number, number>();
    for (const [tid, [text]] of ofThreads) if (text !== undefined) runNs.set(tid, Number.parseInt(text, 10));
    return { atNs, runNs };
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}
