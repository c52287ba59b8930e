import { redactText } from '../../target/redact.ts';

/** A result is some hundred bytes; cluster statistics and an optimizer's history are some hundred KiB. */
const HEAD_BYTES = 512 * 1024;
const TAIL_BYTES = 512 * 1024;

/** Of one line, in messages. */
const LINE_CHARS = 300;

/** The beginning and the end of what a program printed: one that prints gigabytes must not grow us. */
export class KeptText {
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #droppedBytes = 0;

  add(chunk: Uint8Array): void {
    const toHead = chunk.subarray(0, HEAD_BYTES - this.#headBytes);
    this.#headBytes += toHead.length;
    // Copied: a slice would keep the whole of the pool that it lies in.
    if (toHead.length > 0) this.#head.push(Uint8Array.from(toHead));
    const rest = chunk.subarray(toHead.length);
    if (rest.length === 0) return;
    this.#tail.push(Uint8Array.from(rest));
    this.#tailBytes += rest.length;
    while (this.#tailBytes - this.#tail[0]!.length >= TAIL_BYTES) {
      const { length } = this.#tail.shift()!;
      this.#tailBytes -= length;
      this.#droppedBytes += length;
    }
  }

  /** What was printed between the beginning and the end that are kept. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** Beginning and end; where something was dropped between them, a line of its own says so. */
  toString(): string {
    const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString('utf8');
    if (this.#droppedBytes === 0) return text([...this.#head, ...this.#tail]);
    return `${text(this.#head)}\n[${this.#droppedBytes} bytes left out]\n${text(this.#tail)}`;
  }
}

/** Colours and other orders to a terminal. */
export function withoutColours(text: string): string {
  return text.replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');
}

/** Lines that were ended; without colours. What the last line break does not end was cut: digits may be missing. */
export function wholeLines(text: string): string[] {
  return withoutColours(text)
    .split(/[\r\n]+/)
    .slice(0, -1);
}

/**
 * The last lines for a message: no colours, no control bytes, no secrets, and of lines that were written over with
 * carriage returns the last state.
 * @param secret the password of this run; programs print what they were given.
 */
export function lastLinesOf(text: string, count = 10, secret?: string): string[] {
  const lines = withoutColours(text)
    .split('\n')
    .map((line) => line.split('\r').findLast((part) => part.trim() !== '') ?? '')
    .map((line) => line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '').trimEnd())
    .filter((line) => line !== '');
  return lines.slice(-count).map((line) => {
    const clean = redactText(secret ? line.replaceAll(secret, '***') : line);
    return clean.length > LINE_CHARS ? `${clean.slice(0, LINE_CHARS)}...` : clean;
  });
}
