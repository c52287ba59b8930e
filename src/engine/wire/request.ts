import { CommandError } from '../command-error.ts';

const NOTHING = Buffer.alloc(0);

/** Word lists longer than this are not kept for the next command. */
const KEEP_WORDS = 1024;

/**
 * One command: its words stay where they stand in the bytes that were read, and become text only when asked for.
 * Text is latin1, one character a byte: keys and values are binary. Valid until the parser reads on.
 */
export class Request {
  #bytes: Buffer = NOTHING;
  #base = 0;
  #starts: number[] = [];
  #ends: number[] = [];
  /** Words so far, the command's name included. */
  count = 0;

  begin(): void {
    this.count = 0;
    if (this.#starts.length > KEEP_WORDS) {
      this.#starts = [];
      this.#ends = [];
    }
  }

  /** @param start of the next word, bytes from the command's first one. */
  add(start: number, end: number): void {
    this.#starts[this.count] = start;
    this.#ends[this.count++] = end;
  }

  /** @param base where the command begins in `bytes`. */
  settle(bytes: Buffer, base: number): void {
    this.#bytes = bytes;
    this.#base = base;
  }

  /** Lets go of the bytes, which may be a small part of a large read. */
  release(): void {
    this.#bytes = NOTHING;
    this.begin();
  }

  text(index: number): string {
    return this.#bytes.toString('latin1', this.#base + this.#starts[index]!, this.#base + this.#ends[index]!);
  }

  /** For comparing with keywords. */
  upper(index: number): string {
    return this.text(index).toUpperCase();
  }

  /** Not a copy. */
  bytes(index: number): Buffer {
    return this.#bytes.subarray(this.#base + this.#starts[index]!, this.#base + this.#ends[index]!);
  }

  byteLength(index: number): number {
    return this.#ends[index]! - this.#starts[index]!;
  }

  /** @throws CommandError unless the word is a whole number that a double holds exactly. */
  integer(index: number): number {
    const text = this.text(index);
    const value = Number(text);
    if (!/^-?(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(value))
      throw new CommandError('ERR value is not an integer or out of range');
    return value;
  }

  /** @throws CommandError unless the word is a number; `inf` is one. */
  float(index: number): number {
    const text = this.text(index);
    const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
    if (infinity) return infinity[1] === '-' ? -Infinity : Infinity;
    const value = Number(text);
    if (text.trim() !== text || text === '' || Number.isNaN(value))
      throw new CommandError('ERR value is not a valid float');
    return value;
  }
}
