import type { ChildEvents, Children } from '../restore/children.ts';
import type { Child, SpawnOptions } from '../target/contract.ts';

/**
 * The programs of a session, loaded when there is a server to start them for: until then the benchmark's bytes have
 * the processor to themselves.
 */
export class LateChildren implements AsyncDisposable {
  readonly #events: ChildEvents;
  #children: Children | undefined;
  #loading: Promise<void> | undefined;

  constructor(events: ChildEvents) {
    this.#events = events;
  }

  /** Before the first spawn. */
  load(): Promise<void> {
    this.#loading ??= import('../restore/children.ts').then(({ Children }) => {
      this.#children = new Children(this.#events);
      return undefined;
    });
    return this.#loading;
  }

  /** @throws when it was not loaded: a fault of ours. */
  spawn(argv: readonly string[], options?: SpawnOptions): Child {
    if (!this.#children) throw new Error('LateChildren.load comes before spawn');
    return this.#children.spawn(argv, options);
  }

  get backgroundCount(): number {
    return this.#children?.backgroundCount ?? 0;
  }

  pauseBackground(): void {
    this.#children?.pauseBackground();
  }

  resumeBackground(): void {
    this.#children?.resumeBackground();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loading;
    await this.#children?.[Symbol.asyncDispose]();
  }
}
