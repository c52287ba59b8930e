import { CommandError } from '../command-error.ts';
import type { Request } from '../wire/request.ts';

/** Walks over a command's words. @throws CommandError where words are missing or are not what they should be. */
export class Words {
  readonly #request: Request;
  #at: number;

  /** @param from the first word to read. */
  constructor(request: Request, from: number) {
    this.#request = request;
    this.#at = from;
  }

  get left(): number {
    return this.#request.count - this.#at;
  }

  /** The index of the next word, which is skipped. */
  skip(): number {
    this.#require();
    return this.#at++;
  }

  text(): string {
    this.#require();
    return this.#request.text(this.#at++);
  }

  upper(): string {
    return this.text().toUpperCase();
  }

  /** Whether the next word is that keyword; then it is behind us. */
  take(keyword: string): boolean {
    if (this.left === 0 || this.#request.upper(this.#at) !== keyword) return false;
    this.#at++;
    return true;
  }

  integer(what: string, min: number, max: number): number {
    return toInteger(this.text(), what, min, max);
  }

  #require(): void {
    if (this.left <= 0) throw new CommandError('Missing argument');
  }
}

export function toInteger(text: string, what: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < min || value > max)
    throw new CommandError(
      `Invalid ${what}: expected a whole number from ${min} to ${max}, got \`${shown(text)}\``,
    );
  return value;
}

/** Text of a client, for a message to it. */
export function shown(text: string): string {
  return text.length > 128 ? `${text.slice(0, 128)}...` : text;
}
