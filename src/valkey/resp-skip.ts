import { RespProtocolError } from './resp-value.ts';

const CR = 13;
const LF = 10;
const KEPT_ERROR_BYTES = 256;

/** What the next byte belongs to. */
const TYPE = 0;
const LENGTH = 1;
const LINE = 2;
const ERROR = 3;
const BODY = 4;

/** What follows each type byte; 255 for bytes that are no type. */
const STATE_AFTER = new Uint8Array(256).fill(255);
for (const type of '$*~%>|=!') STATE_AFTER[type.charCodeAt(0)] = LENGTH;
for (const type of '+:,#_(') STATE_AFTER[type.charCodeAt(0)] = LINE;
STATE_AFTER['-'.charCodeAt(0)] = ERROR;

const [BULK, VERBATIM, BULK_ERROR, MAP, ATTRIBUTE, PUSH] = [...'$=!%|>'].map((type) => type.charCodeAt(0));

/** An error reply among the replies of one `skip`. */
export interface SkippedError {
  /** Which of the replies that ended in this call, from 0. */
  readonly index: number;
  readonly message: string;
}

/**
 * Counts replies and finds errors among them without making values: what a load generator needs on its hot path.
 * Nothing is allocated but for errors. Types and lengths are checked; what strings hold is not looked at.
 */
export class ReplySkipper {
  /** Errors among the replies of the last `skip`, also one inside an array (EXEC). */
  readonly errors: SkippedError[] = [];
  #state = TYPE;
  #type = 0;
  #length = 0;
  #negative = false;
  /** Bytes of a bulk string still to pass, its CRLF included. */
  #body = 0;
  /** Values still to end before the current reply is whole; 0 between replies. */
  #values = 0;
  /** The outermost value is a RESP3 push, which answers no command. */
  #isPush = false;
  #errorText = '';
  #failure: string | undefined;

  /**
   * Replies that ended in `bytes[from, to)`.
   * @throws {RespProtocolError} for what is no RESP.
   */
  skip(bytes: Uint8Array, from: number, to: number): number {
    if (this.errors.length > 0) this.errors.length = 0;
    let replies = 0;
    let at = from;
    while (at < to) {
      if (this.#state === TYPE) this.#open(bytes[at++]!);
      else if (this.#state === BODY) {
        const passed = Math.min(this.#body, to - at);
        at += passed;
        if ((this.#body -= passed) > 0) break;
        if (this.#close(replies)) replies++;
      } else {
        const start = at;
        while (at < to && bytes[at] !== LF) at++;
        if (this.#state === LENGTH) this.#takeDigits(bytes, start, at);
        else if (this.#state === ERROR) this.#takeError(bytes, start, at);
        if (at === to) break;
        at++;
        if (this.#endLine(replies)) replies++;
      }
    }
    return replies;
  }

  #open(type: number): void {
    const state = STATE_AFTER[type]!;
    if (state === 255)
      throw new RespProtocolError(
        `no RESP: a reply that begins with ${JSON.stringify(String.fromCharCode(type))}`,
      );
    if (this.#values === 0) {
      this.#values = 1;
      this.#isPush = type === PUSH;
    }
    this.#type = type;
    this.#state = state;
    this.#length = 0;
    this.#negative = false;
  }

  #takeDigits(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte >= 48 && byte <= 57) this.#length = this.#length * 10 + byte - 48;
      else if (byte === 45) this.#negative = true;
      else if (byte !== CR)
        throw new RespProtocolError(`expected a length, got ${JSON.stringify(String.fromCharCode(byte))}`);
    }
  }

  #takeError(bytes: Uint8Array, from: number, to: number): void {
    if (this.#errorText.length < KEPT_ERROR_BYTES)
      this.#errorText += Buffer.from(bytes.subarray(from, Math.min(to, from + KEPT_ERROR_BYTES))).toString();
  }

  /** Whether the line that ended ends a reply. */
  #endLine(index: number): boolean {
    if (this.#state === LINE) return this.#close(index);
    if (this.#state === ERROR) {
      this.#failure ??= this.#errorText.trimEnd();
      this.#errorText = '';
      return this.#close(index);
    }
    const type = this.#type;
    if (this.#negative) return this.#close(index);
    if (type === BULK || type === VERBATIM || type === BULK_ERROR) {
      if (type === BULK_ERROR) this.#failure ??= 'ERR a bulk error';
      this.#body = this.#length + 2;
      this.#state = BODY;
      return false;
    }
    // An aggregate's head counts as one value, its items as more; an attribute is followed by the value that it is about.
    this.#values += type === MAP || type === ATTRIBUTE ? this.#length * 2 : this.#length;
    if (type !== ATTRIBUTE) return this.#close(index);
    this.#state = TYPE;
    return false;
  }

  /** Whether with this value the reply is whole. */
  #close(index: number): boolean {
    this.#state = TYPE;
    if (--this.#values > 0) return false;
    if (this.#isPush) {
      this.#failure = undefined;
      return false;
    }
    if (this.#failure !== undefined) {
      this.errors.push({ index, message: this.#failure });
      this.#failure = undefined;
    }
    return true;
  }
}
