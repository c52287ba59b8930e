import { splitInline } from './inline.ts';
import type { Request } from './request.ts';

/** Bytes that are no RESP: the client is told, and its connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(what: string) {
    super(`ERR Protocol error: ${what}`);
  }
}

export interface RequestLimits {
  /** Of one word, bytes: `proto-max-bulk-len`. */
  maxBulkBytes: number;
  /** Of what one client has sent and we could not yet run, bytes. */
  maxPendingBytes: number;
}

const NOTHING = Buffer.alloc(0);
/** A line with a count or an inline command may be this long, bytes. */
const MAX_LINE = 64 * 1024;
const MAX_WORDS = 1024 * 1024;
/** Who has not given the password yet is not trusted with more. */
const UNTRUSTED = { maxWords: 10, maxBulkBytes: 16 * 1024 };

const STAR = 0x2a;
const DOLLAR = 0x24;
const MINUS = 0x2d;
const CR = 0x0d;
const LF = 0x0a;
const INCOMPLETE = -Infinity;

/**
 * Finds commands in the bytes of one client, however they are cut. Whole commands are read in place; only one that
 * spans several reads is copied together. What a client announces costs nothing: only what it sent is held.
 */
export class RequestParser {
  /** Whether the client has passed AUTH, or need not. */
  isTrusted = true;
  readonly #limits: RequestLimits;
  #bytes: Buffer = NOTHING;
  /** Whether we may append to `#bytes`. */
  #isOwned = false;
  #from = 0;
  #to = 0;
  /** Of the command that is being read; positions count from `#from`. */
  #words = -1;
  #bulk = -1;
  #at = 0;
  #lineEnd = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait for the rest of their command. */
  get pendingBytes(): number {
    return this.#to - this.#from;
  }

  /** Takes over the chunk. Call `next` until it says false. @throws ProtocolError when too much is pending. */
  feed(chunk: Buffer): void {
    const pending = this.#to - this.#from;
    if (pending === 0) {
      this.#bytes = chunk;
      this.#isOwned = false;
      this.#from = 0;
      this.#to = chunk.length;
      return;
    }
    const needed = pending + chunk.length;
    if (needed > this.#limits.maxPendingBytes) throw new ProtocolError('query buffer limit exceeded');
    if (!this.#isOwned || this.#to + chunk.length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(needed * 2);
      this.#bytes.copy(grown, 0, this.#from, this.#to);
      this.#bytes = grown;
      this.#isOwned = true;
      this.#from = 0;
      this.#to = pending;
    }
    chunk.copy(this.#bytes, this.#to);
    this.#to += chunk.length;
  }

  /** Reads the next command. @returns false when there is no whole one. @throws ProtocolError */
  next(request: Request): boolean {
    for (;;) {
      if (this.#words < 0) {
        if (this.#from === this.#to) {
          this.#bytes = NOTHING;
          return false;
        }
        if (this.#bytes[this.#from] !== STAR) {
          if (!this.#inline(request)) return false;
          if (request.count > 0) return true;
          continue;
        }
        const words = this.#number(this.#from + 1, 'too big mbulk count string');
        if (words === INCOMPLETE) return false;
        if (!(words <= MAX_WORDS)) throw new ProtocolError('invalid multibulk length');
        if (words > UNTRUSTED.maxWords && !this.isTrusted)
          throw new ProtocolError('unauthenticated multibulk length');
        if (words <= 0) {
          this.#from = this.#lineEnd;
          continue;
        }
        this.#words = words;
        this.#at = this.#lineEnd - this.#from;
        request.begin();
      }
      if (!this.#readWords(request)) return false;
      request.settle(this.#bytes, this.#from);
      this.#advance(this.#from + this.#at);
      return true;
    }
  }

  #readWords(request: Request): boolean {
    while (request.count < this.#words) {
      if (this.#bulk < 0) {
        const at = this.#from + this.#at;
        if (at >= this.#to) return false;
        if (this.#bytes[at] !== DOLLAR)
          throw new ProtocolError(`expected '$', got '${String.fromCharCode(this.#bytes[at]!)}'`);
        const length = this.#number(at + 1, 'too big bulk count string');
        if (length === INCOMPLETE) return false;
        if (!(length >= 0 && length <= this.#limits.maxBulkBytes))
          throw new ProtocolError('invalid bulk length');
        if (length > UNTRUSTED.maxBulkBytes && !this.isTrusted)
          throw new ProtocolError('unauthenticated bulk length');
        this.#bulk = length;
        this.#at = this.#lineEnd - this.#from;
      }
      if (this.#to - this.#from - this.#at < this.#bulk + 2) return false;
      request.add(this.#at, this.#at + this.#bulk);
      this.#at += this.#bulk + 2;
      this.#bulk = -1;
    }
    return true;
  }

  /** The number that stands up to the next CR LF. @returns NaN when it is none, INCOMPLETE before its end. */
  #number(from: number, tooLong: string): number {
    const negative = this.#bytes[from] === MINUS;
    const first = negative ? from + 1 : from;
    let value = 0;
    for (let at = first; at < this.#to; at++) {
      const byte = this.#bytes[at]!;
      if (byte === CR) {
        if (at + 1 >= this.#to) return INCOMPLETE;
        this.#lineEnd = at + 2;
        const isPadded = at - first > 1 && this.#bytes[first] === 0x30;
        return at === first || isPadded || at - first > 18 ? Number.NaN : negative ? -value : value;
      }
      value = byte >= 0x30 && byte <= 0x39 ? value * 10 + byte - 0x30 : Number.NaN;
    }
    if (this.#to - from > MAX_LINE) throw new ProtocolError(tooLong);
    return INCOMPLETE;
  }

  #inline(request: Request): boolean {
    const end = this.#bytes.subarray(0, this.#to).indexOf(LF, this.#from + this.#at);
    const length = (end < 0 ? this.#to : end) - this.#from;
    if (length > MAX_LINE) throw new ProtocolError('too big inline request');
    if (end < 0) {
      this.#at = this.#to - this.#from;
      return false;
    }
    const lineEnd = end > this.#from && this.#bytes[end - 1] === CR ? end - 1 : end;
    const words = splitInline(this.#bytes.toString('latin1', this.#from, lineEnd));
    if (words === undefined) throw new ProtocolError('unbalanced quotes in request');
    request.begin();
    let at = 0;
    for (const word of words) request.add(at, (at += word.length));
    request.settle(Buffer.from(words.join(''), 'latin1'), 0);
    this.#advance(end + 1);
    return true;
  }

  #advance(to: number): void {
    this.#from = to;
    this.#at = 0;
    this.#words = -1;
  }
}
