import type { SessionEvent } from '../session/events.ts';
import type { Failure } from './options.ts';

/** What in a session makes it incomplete, as the exit code must tell. One entry for each kind of trouble. */
export class Failures {
  readonly #asked: boolean;
  readonly #found = new Map<string, Failure>();
  #targetTrouble: string | undefined;
  /** A server that went after it had been profiled: the spans that it missed say so themselves. */
  #everFound = false;

  /** @param asked the user asked for the hooks; what could not even begin counts only then. */
  constructor(asked: boolean) {
    this.#asked = asked;
  }

  /** @param key of what counts as the same trouble; its first message is kept. */
  add(kind: Failure['kind'], message: string, key = message): void {
    const known = this.#found.get(`${kind} ${key}`);
    this.#found.set(`${kind} ${key}`, {
      kind,
      message: known?.message ?? message,
      times: (known?.times ?? 0) + 1,
    });
  }

  see(event: SessionEvent): void {
    if (event.type === 'hook' && event.state === 'failed') this.add('hook', `${event.hook}: ${event.reason}`);
    else if (event.type === 'hook' && event.state === 'unavailable' && this.#asked)
      this.add(event.notInstalled ? 'not-installed' : 'hook', `${event.hook}: ${event.reason}`);
    else if (event.type === 'warning' && event.fails)
      this.add(
        'hook',
        event.message,
        `${event.code} ${event.hook ?? ''} ${event.span === undefined ? event.message : ''}`,
      );
    else if (event.type === 'target' && (event.state === 'missing' || event.state === 'ambiguous'))
      this.#targetTrouble = event.message;
    else if (event.type === 'target' && event.state === 'found') this.#everFound = true;
  }

  all(): Failure[] {
    if (this.#targetTrouble !== undefined && this.#asked && !this.#everFound)
      return [...this.#found.values(), { kind: 'target', message: this.#targetTrouble, times: 1 }];
    return [...this.#found.values()];
  }
}
