const START_BYTES = 64 * 1024;
/** A buffer that grew over this is not kept. */
const KEEP_BYTES = 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;

/** Writes replies, in the protocol that the client chose, into one buffer that is used over and over. Text is latin1. */
export class Reply {
  protocol: 2 | 3 = 2;
  #bytes = Buffer.allocUnsafeSlow(START_BYTES);
  #at = 0;

  /** Bytes written since they were last taken. */
  get length(): number {
    return this.#at;
  }

  /** What was written. Its memory is used again: call `renew` when it is not sent yet. */
  take(): Buffer {
    const written = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    if (this.#bytes.length > KEEP_BYTES) this.renew();
    return written;
  }

  renew(): void {
    this.#bytes = Buffer.allocUnsafeSlow(START_BYTES);
  }

  /** Takes back what was written behind `length`. */
  rewind(length: number): void {
    this.#at = length;
  }

  ok(): void {
    this.simple('OK');
  }

  simple(text: string): void {
    this.#line('+', text);
  }

  /** @param message its kind first; line ends become blanks. */
  error(message: string): void {
    this.#line('-', message.replaceAll(/[\r\n]/g, ' '));
  }

  integer(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < 1e9) this.#header(0x3a, value);
    else this.#line(':', String(value));
  }

  bulk(text: string): void {
    const length = text.length;
    this.#header(0x24, length);
    this.#ensure(length + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    if (length < 32) for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    else at += bytes.write(text, at, length, 'latin1');
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.#at = at;
  }

  bulkBytes(value: Uint8Array): void {
    this.#header(0x24, value.length);
    this.#ensure(value.length + 2);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    this.#bytes[this.#at++] = CR;
    this.#bytes[this.#at++] = LF;
  }

  /** Text for people: RESP3 says that it is plain text. */
  verbatim(text: string): void {
    if (this.protocol === 2) this.bulk(text);
    else {
      this.#line('=', String(text.length + 4));
      this.#raw(`txt:${text}\r\n`);
    }
  }

  /** A list of mixed simple values; nested lists are arrays. */
  array(length: number): void {
    this.#header(0x2a, length);
  }

  /** @param pairs the RESP2 list has twice as many items. */
  map(pairs: number): void {
    if (this.protocol === 2) this.array(pairs * 2);
    else this.#header(0x25, pairs);
  }

  set(length: number): void {
    this.#header(this.protocol === 2 ? 0x2a : 0x7e, length);
  }

  bulks(texts: readonly string[]): void {
    this.array(texts.length);
    for (const text of texts) this.bulk(text);
  }

  null(): void {
    this.#raw(this.protocol === 2 ? '$-1\r\n' : '_\r\n');
  }

  nullArray(): void {
    this.#raw(this.protocol === 2 ? '*-1\r\n' : '_\r\n');
  }

  double(value: number): void {
    const text = value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value);
    if (this.protocol === 2) this.bulk(text);
    else this.#line(',', text);
  }

  #line(mark: string, text: string): void {
    this.#raw(`${mark}${text}\r\n`);
  }

  #raw(text: string): void {
    this.#ensure(text.length);
    this.#at += this.#bytes.write(text, this.#at, text.length, 'latin1');
  }

  /** A mark, a number and the end of the line. @param value a whole number under 2^31. */
  #header(mark: number, value: number): void {
    this.#ensure(16);
    const bytes = this.#bytes;
    bytes[this.#at++] = mark;
    if (value < 10) bytes[this.#at++] = 0x30 + value;
    else {
      const digits = value < 100 ? 2 : value < 1000 ? 3 : value < 10000 ? 4 : String(value).length;
      let rest = value;
      for (let i = this.#at + digits - 1; i >= this.#at; i--) {
        bytes[i] = 0x30 + (rest % 10);
        rest = (rest / 10) | 0;
      }
      this.#at += digits;
    }
    bytes[this.#at++] = CR;
    bytes[this.#at++] = LF;
  }

  #ensure(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
