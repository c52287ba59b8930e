const CRLF = Buffer.from('\r\n');

/** A word of a command: text is sent as UTF-8. */
export type CommandWord = string | number | Uint8Array;

/** The wire form of one command: an array of bulk strings. */
export function encodeCommand(words: readonly CommandWord[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = word instanceof Uint8Array ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

/**
 * Collects replies as a server sends them, in the protocol that the client chose with HELLO. Maps, sets, nulls, booleans
 * and doubles become what RESP2 clients know when the protocol is 2.
 */
export class ReplyWriter {
  protocol: 2 | 3 = 2;
  #chunks: Uint8Array[] = [];
  #text = '';

  simple(text: string): this {
    this.#text += `+${text.replaceAll(/[\r\n]/g, ' ')}\r\n`;
    return this;
  }

  /** @param message with its kind: `ERR unknown command`. */
  error(message: string): this {
    this.#text += `-${message.replaceAll(/[\r\n]/g, ' ')}\r\n`;
    return this;
  }

  integer(value: number | bigint): this {
    this.#text += `:${value}\r\n`;
    return this;
  }

  bulk(value: string | Uint8Array): this {
    if (typeof value === 'string') {
      this.#text += `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
      return this;
    }
    this.#text += `$${value.length}\r\n`;
    this.#seal();
    this.#chunks.push(value);
    this.#text = '\r\n';
    return this;
  }

  double(value: number): this {
    const text = Number.isNaN(value)
      ? 'nan'
      : value === Infinity
        ? 'inf'
        : value === -Infinity
          ? '-inf'
          : String(value);
    if (this.protocol === 2) return this.bulk(text);
    this.#text += `,${text}\r\n`;
    return this;
  }

  boolean(value: boolean): this {
    if (this.protocol === 2) return this.integer(value ? 1 : 0);
    this.#text += value ? '#t\r\n' : '#f\r\n';
    return this;
  }

  null(): this {
    this.#text += this.protocol === 2 ? '$-1\r\n' : '_\r\n';
    return this;
  }

  nullArray(): this {
    this.#text += this.protocol === 2 ? '*-1\r\n' : '_\r\n';
    return this;
  }

  /** `length` values follow. */
  array(length: number): this {
    this.#text += `*${length}\r\n`;
    return this;
  }

  set(length: number): this {
    this.#text += `${this.protocol === 2 ? '*' : '~'}${length}\r\n`;
    return this;
  }

  /** `pairs` keys, each with its value, follow. */
  map(pairs: number): this {
    this.#text += this.protocol === 2 ? `*${pairs * 2}\r\n` : `%${pairs}\r\n`;
    return this;
  }

  /** Bytes that are RESP already. */
  raw(bytes: Uint8Array): this {
    this.#seal();
    this.#chunks.push(bytes);
    return this;
  }

  /** All since the last call, as one buffer: one write for all replies of one read. */
  take(): Buffer {
    this.#seal();
    const bytes = this.#chunks.length === 1 ? Buffer.from(this.#chunks[0]!) : Buffer.concat(this.#chunks);
    this.#chunks = [];
    return bytes;
  }

  #seal(): void {
    if (this.#text === '') return;
    this.#chunks.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
