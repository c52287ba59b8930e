import type { SessionEvent } from '../session/events.ts';
import type { Failure } from './options.ts';

/** What in a session makes it incomplete, as the exit code must tell. One entry for each thing, however often. */
export class Failures {
  readonly #asked: boolean;
  readonly #found = new Map<string, Failure>();
  #targetTrouble: Failure | undefined;
  /** A server that went after it had been profiled: the spans that it missed say so themselves. */
  #everFound = false;

  /** @param asked the user asked for the hooks; what could not even begin counts only then. */
  constructor(asked: boolean) {
    this.#asked = asked;
  }

  add(failure: Failure): void {
    this.#found.set(`${failure.kind} ${failure.message}`, failure);
  }

  see(event: SessionEvent): void {
    if (event.type === 'hook' && event.state === 'failed') this.add({ kind: 'hook', message: event.reason });
    else if (event.type === 'hook' && event.state === 'unavailable' && this.#asked)
      this.add({ kind: event.notInstalled ? 'not-installed' : 'hook', message: event.reason });
    else if (event.type === 'warning' && event.fails) this.add({ kind: 'hook', message: event.message });
    else if (event.type === 'target' && (event.state === 'missing' || event.state === 'ambiguous'))
      this.#targetTrouble = { kind: 'target', message: event.message };
    else if (event.type === 'target' && event.state === 'found') this.#everFound = true;
  }

  all(): Failure[] {
    const all = [...this.#found.values()];
    if (this.#targetTrouble && this.#asked && !this.#everFound) all.push(this.#targetTrouble);
    return all;
  }
}
