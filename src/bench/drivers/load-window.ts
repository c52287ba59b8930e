import type { RunObserver } from '../driver.ts';

/**
 * The part of a run that is load, as its observer is told of it: it begins once at most, and ends once if it has begun.
 * Both may be asked for again: what has been told is not told twice.
 */
export class LoadWindow {
  readonly #observer: Pick<RunObserver, 'begin' | 'end'>;
  #begun: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(observer: Pick<RunObserver, 'begin' | 'end'>) {
    this.#observer = observer;
  }

  /** Resolves when the load may begin. One that is over already does not begin any more. @throws what the observer throws. */
  begin(): Promise<void> {
    if (this.#ended === undefined) this.#begun ??= this.#begin();
    return this.#begun ?? Promise.resolve();
  }

  /** Where it has not begun, it never will. @throws what the observer throws. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #begin(): Promise<void> {
    await this.#observer.begin?.();
  }

  async #end(): Promise<void> {
    if (this.#begun !== undefined) await this.#observer.end?.();
  }
}
