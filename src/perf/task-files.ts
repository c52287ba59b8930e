import type { OpenFiles, Target } from '../target/contract.ts';

/** What some files of a process said, and those of each of its threads. */
export interface TaskTexts {
  readonly ofProcess: readonly (string | undefined)[];
  /** By thread id; the texts in the order of the names. */
  readonly ofThreads: ReadonlyMap<number, readonly (string | undefined)[]>;
}

/**
 * Files below /proc/PID and /proc/PID/task/TID, read again and again. They stay open, and are opened anew only when
 * threads came or went.
 */
export class TaskFiles implements Disposable {
  readonly #target: Target;
  readonly #threadNames: readonly string[];
  readonly #processNames: readonly string[];
  #tids: readonly number[] = [];
  #files: OpenFiles | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: Target, threadNames: readonly string[], processNames: readonly string[] = []) {
    this.#target = target;
    this.#threadNames = threadNames;
    this.#processNames = processNames;
  }

  /** @throws never: a process that is gone has no threads. */
  read(): Promise<TaskTexts> {
    // One after the other: a list of threads and its open files belong together.
    const read = this.#last.then(() => this.#read());
    this.#last = read;
    return read;
  }

  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
    this.#files = undefined;
    this.#tids = [];
  }

  async #read(): Promise<TaskTexts> {
    const { pid } = this.#target;
    const tids = (await this.#target.list(`/proc/${pid}/task`).catch(() => [])).map(Number);
    const isSame = tids.length === this.#tids.length && tids.every((tid, index) => tid === this.#tids[index]);
    if (!isSame || this.#files === undefined) {
      this.#files?.[Symbol.dispose]();
      this.#files = await this.#target.openFiles([
        ...this.#processNames.map((name) => `/proc/${pid}/${name}`),
        ...tids.flatMap((tid) => this.#threadNames.map((name) => `/proc/${pid}/task/${tid}/${name}`)),
      ]);
      this.#tids = tids;
    }
    const texts = await this.#files.read();
    const ofProcess = texts.slice(0, this.#processNames.length);
    const each = this.#threadNames.length;
    const ofThreads = new Map(
      tids.map((tid, index) => {
        const from = ofProcess.length + index * each;
        return [tid, texts.slice(from, from + each)] as const;
      }),
    );
    return { ofProcess, ofThreads };
  }
}
