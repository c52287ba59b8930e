import { redactText } from '../../target/redact.ts';

/** A result is some hundred bytes; cluster statistics and an optimizer's history are some hundred KiB. */
const HEAD_BYTES = 512 * 1024;
const TAIL_BYTES = 512 * 1024;

/** Of one line, in messages. */
const LINE_CHARS = 300;

/**
 * The beginning and the end of what a program printed: one that prints gigabytes must not grow us, and neither must one
 * that prints byte by byte.
 */
export class KeptText {
  readonly #head = new Uint8Array(HEAD_BYTES);
  /** A ring: the next byte goes to `#restBytes` modulo its length. Made when the head is full. */
  #tail: Uint8Array | undefined;
  #headBytes = 0;
  /** Of all that came after the head. */
  #restBytes = 0;

  add(chunk: Uint8Array): void {
    const toHead = chunk.subarray(0, HEAD_BYTES - this.#headBytes);
    this.#head.set(toHead, this.#headBytes);
    this.#headBytes += toHead.length;
    const rest = chunk.subarray(toHead.length);
    if (rest.length === 0) return;
    this.#tail ??= new Uint8Array(TAIL_BYTES);
    const last = rest.subarray(-TAIL_BYTES);
    const at = (this.#restBytes + rest.length - last.length) % TAIL_BYTES;
    const untilWrap = last.subarray(0, TAIL_BYTES - at);
    this.#tail.set(untilWrap, at);
    this.#tail.set(last.subarray(untilWrap.length), 0);
    this.#restBytes += rest.length;
  }

  /** What was printed between the beginning and the end that are kept. */
  get droppedBytes(): number {
    return Math.max(0, this.#restBytes - TAIL_BYTES);
  }

  /** Beginning and end; where something was dropped between them, a line of its own says so. */
  toString(): string {
    const head = this.#head.subarray(0, this.#headBytes);
    const tail = this.#tail ?? new Uint8Array();
    const at = this.#restBytes % TAIL_BYTES;
    const parts =
      this.#restBytes <= TAIL_BYTES
        ? [head, tail.subarray(0, this.#restBytes)]
        : [
            head,
            Buffer.from(`\n[${this.droppedBytes} bytes left out]\n`),
            tail.subarray(at),
            tail.subarray(0, at),
          ];
    return Buffer.concat(parts).toString('utf8');
  }
}

/** Colours and other orders to a terminal. */
export function withoutColours(text: string): string {
  return text.replaceAll(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\))/g, '');
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
    const unreadable = clean.length - clean.replaceAll('\ufffd', '').length;
    if (unreadable > clean.length / 20) return `[${clean.length} characters that are no text]`;
    return clean.length > LINE_CHARS ? `${clean.slice(0, LINE_CHARS)}...` : clean;
  });
}
