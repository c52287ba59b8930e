import { messageOf, StagewatchError } from '../error.ts';

/** What is changed: enough to find it and put it back after a crash. */
export interface Changed {
  /** `config:io-threads`, `affinity:4711`. */
  readonly setting: string;
  /** As it was before the first change of ours. */
  readonly from: string;
  readonly to: string;
  /** Whose setting, where it is a server's: `127.0.0.1:6379`. */
  readonly server?: string;
  /** Whose setting, where it is a thread's; clock ticks since boot. */
  readonly thread?: { readonly tid: number; readonly pid: number; readonly startTicks: number };
  /** The command that changes it, secrets removed, where it is not the server that is asked. */
  readonly command?: readonly string[];
}

/** A line of the journal. */
export type ChangeEvent = Changed & {
  readonly type: 'setting';
  readonly state: 'changing' | 'changed' | 'restored' | 'not-restored';
  readonly message?: string;
};

/** One change, and how to undo it. */
export interface Change extends Changed {
  /** Changes it, and reads it back. @throws when it could not be changed, or did not stay so. */
  apply(): Promise<void>;
  /** Makes it again what it was before the first change, and reads that back. @throws when it could not. */
  putBack(from: string): Promise<void>;
}

/**
 * All that we changed of things that are not ours. Each change is in the journal before it is made, so that a crash
 * leaves none unknown; disposing puts them back, last one first.
 */
export class Changes implements AsyncDisposable {
  readonly #journal: (event: ChangeEvent) => Promise<void>;
  /** By what is changed, in the order of the first change. */
  readonly #made = new Map<string, Change>();
  #last: Promise<unknown> = Promise.resolve();
  #disposed: Promise<void> | undefined;
  readonly #notRestored: ChangeEvent[] = [];

  /** @param journal resolves once the event is on disk. */
  constructor(journal: (event: ChangeEvent) => Promise<void>) {
    this.#journal = journal;
  }

  /** What could not be put back; known when disposing is over. */
  get notRestored(): readonly ChangeEvent[] {
    return this.#notRestored;
  }

  /**
   * Makes changes, after those asked for before; all of them are in the journal before the first is made. A second
   * change of the same thing keeps the first `from`.
   * @throws what `apply` throws; then too it is put back in the end, since it may have been changed halfway.
   */
  make(...changes: readonly Change[]): Promise<void> {
    const made = this.#makeAfter(this.#last, changes);
    this.#last = made.catch(() => {});
    return made;
  }

  async #makeAfter(before: Promise<unknown>, changes: readonly Change[]): Promise<void> {
    await before;
    if (this.#disposed)
      throw new StagewatchError(
        'ending',
        `stagewatch is ending: ${changes.map(({ setting }) => setting).join(', ')} was not changed`,
      );
    const firsts = changes.map((change) => ({
      ...change,
      from: this.#made.get(keyOf(change))?.from ?? change.from,
    }));
    for (const change of firsts) {
      // If this cannot be written, nothing is changed.
      await this.#journal({ type: 'setting', state: 'changing', ...describe(change) });
      this.#made.set(keyOf(change), change);
    }
    for (const change of firsts) {
      await change.apply();
      await this.#journal({ type: 'setting', state: 'changed', ...describe(change) });
    }
  }

  /** Puts everything back, each whatever becomes of the others. Never rejects: `notRestored` says what failed. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#putAllBack();
    return this.#disposed;
  }

  async #putAllBack(): Promise<void> {
    await this.#last;
    for (const change of [...this.#made.values()].toReversed()) await this.#putBack(change);
  }

  async #putBack(change: Change): Promise<void> {
    let event: ChangeEvent = { type: 'setting', state: 'restored', ...describe(change) };
    try {
      await change.putBack(change.from);
    } catch (error) {
      event = { ...event, state: 'not-restored', message: messageOf(error) };
      this.#notRestored.push(event);
    }
    // A full disk is no reason to leave the other settings as they are.
    await this.#journal(event).catch(() => {});
  }
}

const keyOf = ({ setting, server, thread }: Changed): string =>
  JSON.stringify([server, setting, thread?.startTicks]);

function describe({ setting, from, to, server, thread, command }: Changed): Changed {
  return {
    setting,
    from,
    to,
    ...(server === undefined ? {} : { server }),
    ...(thread === undefined ? {} : { thread }),
    ...(command === undefined ? {} : { command }),
  };
}
