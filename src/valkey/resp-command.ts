import { RespProtocolError } from './resp-value.ts';

const LF = 10;
const CR = 13;
/** Valkey's PROTO_INLINE_MAX_SIZE: of an inline command, and of a line that says a length. */
const MAX_LINE_BYTES = 64 * 1024;
/** Valkey's PROTO_REPLY limit of words, INT_MAX. Nothing is allocated for words that have not come. */
const MAX_WORDS = 2 ** 31 - 1;

/** The words of one command; the first one is its name. */
export type Request = readonly Buffer[];

/**
 * Reads commands as a server does: arrays of bulk strings, or inline. Limits and error texts are Valkey's. After
 * `failure` is set nothing more is read: answer what came before it, then `-ERR failure.message`, and close.
 */
export class CommandReader {
  /** Bytes of one word; may be lowered, so that nobody fills the memory. */
  maxBulkBytes = 512 * 1024 * 1024;
  failure: RespProtocolError | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #wanted = 1;
  #words: Buffer[] = [];
  /** Words still to come of the open command; 0 between commands. */
  #missing = 0;

  /** Commands that are whole with this chunk. The chunk is kept, not copied: it must not be overwritten. */
  read(chunk: Buffer): Request[] {
    const requests: Request[] = [];
    if (this.failure) return requests;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return requests;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#wanted = 1;
    let at = 0;
    try {
      while (at < bytes.length) {
        const next = this.#missing > 0 ? this.#word(bytes, at, requests) : this.#start(bytes, at, requests);
        if (next < 0) break;
        at = next;
      }
    } catch (error) {
      if (!(error instanceof RespProtocolError)) throw error;
      this.failure = error;
    }
    const rest = this.failure ? bytes.subarray(bytes.length) : bytes.subarray(at);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    return requests;
  }

  /** The head of a command, or a whole inline one. Returns where it ends, -1 when there is too little of it. */
  #start(bytes: Buffer, at: number, requests: Request[]): number {
    const isArray = bytes[at] === 0x2a;
    const lf = this.#endOfLine(bytes, at, isArray ? 'too big mbulk count string' : 'too big inline request');
    if (lf < 0) return -1;
    const end = bytes[lf - 1] === CR && lf > at ? lf - 1 : lf;
    if (!isArray) {
      const words = splitInline(bytes.toString('latin1', at, end));
      if (words.length > 0) requests.push(words);
      return lf + 1;
    }
    const count = wholeNumber(bytes.toString('latin1', at + 1, end));
    if (count === undefined || count > MAX_WORDS) throw protocolError('invalid multibulk length');
    if (count > 0) {
      this.#missing = count;
      this.#words = [];
    }
    return lf + 1;
  }

  #word(bytes: Buffer, at: number, requests: Request[]): number {
    const lf = this.#endOfLine(bytes, at, 'too big bulk count string');
    if (lf < 0) return -1;
    if (bytes[at] !== 0x24) throw protocolError(`expected '$', got '${String.fromCharCode(bytes[at]!)}'`);
    const length = wholeNumber(bytes.toString('latin1', at + 1, bytes[lf - 1] === CR ? lf - 1 : lf));
    if (length === undefined || length < 0 || length > this.maxBulkBytes)
      throw protocolError('invalid bulk length');
    const end = lf + 1 + length + 2;
    if (end > bytes.length) {
      this.#wanted = end - at;
      return -1;
    }
    this.#words.push(bytes.subarray(lf + 1, end - 2));
    if (--this.#missing === 0) {
      requests.push(this.#words);
      this.#words = [];
    }
    return end;
  }

  #endOfLine(bytes: Buffer, at: number, whenTooLong: string): number {
    const lf = bytes.indexOf(LF, at);
    if ((lf < 0 ? bytes.length : lf) - at > MAX_LINE_BYTES) throw protocolError(whenTooLong);
    if (lf < 0) this.#wanted = bytes.length - at + 1;
    return lf;
  }
}

function protocolError(what: string): RespProtocolError {
  return new RespProtocolError(`Protocol error: ${what}`);
}

function wholeNumber(text: string): number | undefined {
  return /^(0|-?[1-9]\d{0,18})$/.test(text) ? Number(text) : undefined;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };
const INLINE_WORD = /"((?:[^"\\]|\\.)*)"(?=\s|$)|'((?:[^'\\]|\\.)*)'(?=\s|$)|([^\s"']+)(?=\s|$)/gs;

/** Words of an inline command, with the quotes and escapes that Valkey's command line knows. */
function splitInline(line: string): Buffer[] {
  const words: Buffer[] = [];
  const rest = line.replaceAll(INLINE_WORD, (_, double?: string, single?: string, bare?: string) => {
    const text =
      double?.replaceAll(/\\(x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
        code.length === 3 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
      ) ??
      single?.replaceAll("\\'", "'") ??
      bare ??
      '';
    words.push(Buffer.from(text, 'latin1'));
    return '';
  });
  if (rest.trim() !== '') throw protocolError('unbalanced quotes in request');
  return words;
}
