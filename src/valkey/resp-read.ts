import { RespError, RespMap, RespProtocolError, RespPush, type RespValue } from './resp-value.ts';

const CR = 13;
const LF = 10;
/** The server's own limits: proto-max-bulk-len, and deeper nesting than any command replies with. */
const MAX_BULK_BYTES = 512 * 1024 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
const MAX_DEPTH = 64;
const MAX_ITEMS = 64 * 1024 * 1024;

type Kind = 'array' | 'map' | 'push' | 'attribute';

interface OpenAggregate {
  readonly kind: Kind;
  readonly items: RespValue[];
  missing: number;
}

const AGGREGATES: Readonly<Record<string, Kind>> = {
  '*': 'array',
  '~': 'array',
  '%': 'map',
  '>': 'push',
  '|': 'attribute',
};

/** Reads replies from bytes as they come, however they are cut; in linear time. Attributes are dropped. */
export class ReplyReader {
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that must be there before it is worth looking again. */
  #wanted = 1;
  #open: OpenAggregate[] = [];

  /**
   * Replies that are whole with this chunk. The chunk is kept, not copied: it must not be overwritten.
   * @throws {RespProtocolError} for what is no RESP.
   */
  read(chunk: Buffer): RespValue[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const values: RespValue[] = [];
    if (this.#held < this.#wanted) return values;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const at = this.#parse(bytes, values);
    const rest = bytes.subarray(at);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    return values;
  }

  /** Returns where the first value that is not whole begins. */
  #parse(bytes: Buffer, values: RespValue[]): number {
    let at = 0;
    this.#wanted = 1;
    while (at < bytes.length) {
      const lf = bytes.indexOf(LF, at + 1);
      if (lf < 0) {
        // An error or a simple string may be long, but not endless.
        if (bytes.length - at > MAX_LINE_BYTES) throw new RespProtocolError('a line without end');
        this.#wanted = bytes.length - at + 1;
        return at;
      }
      if (bytes[lf - 1] !== CR) throw new RespProtocolError('a line that ends without CR');
      const type = String.fromCharCode(bytes[at]!);
      const line = bytes.toString('latin1', at + 1, lf - 1);
      if (type === '$' || type === '=' || type === '!') {
        const length = lengthOf(type, line, MAX_BULK_BYTES);
        if (length < 0) {
          at = lf + 1;
          this.#add(null, values);
          continue;
        }
        const end = lf + 1 + length;
        if (end + 2 > bytes.length) {
          this.#wanted = end + 2 - at;
          return at;
        }
        if (bytes[end] !== CR || bytes[end + 1] !== LF)
          throw new RespProtocolError('a bulk string longer than its length');
        const bulk = bytes.subarray(lf + 1, end);
        at = end + 2;
        this.#add(
          type === '$' ? bulk : type === '!' ? new RespError(bulk.toString()) : verbatim(bulk),
          values,
        );
        continue;
      }
      at = lf + 1;
      const kind = AGGREGATES[type];
      if (kind === undefined)
        this.#add(scalarOf(type, line, bytes.subarray(at - line.length - 2, at - 2)), values);
      else this.#openAggregate(kind, lengthOf(type, line, MAX_ITEMS), values);
    }
    return at;
  }

  #openAggregate(kind: Kind, length: number, values: RespValue[]): void {
    if (length < 0) return this.#add(null, values);
    if (this.#open.length >= MAX_DEPTH) throw new RespProtocolError(`replies nested over ${MAX_DEPTH} deep`);
    const missing = kind === 'map' || kind === 'attribute' ? length * 2 : length;
    if (missing > 0) this.#open.push({ kind, items: [], missing });
    else if (kind !== 'attribute') this.#add(closed(kind, []), values);
  }

  /** Adds to the innermost open aggregate, and closes what is whole by that. */
  #add(value: RespValue, values: RespValue[]): void {
    for (let whole = value; ;) {
      const top = this.#open.at(-1);
      if (top === undefined) {
        values.push(whole);
        return;
      }
      top.items.push(whole);
      if (--top.missing > 0) return;
      this.#open.pop();
      if (top.kind === 'attribute') return;
      whole = closed(top.kind, top.items);
    }
  }
}

function closed(kind: Kind, items: RespValue[]): RespValue {
  if (kind === 'push') return new RespPush(items);
  if (kind !== 'map') return items;
  const entries: [RespValue, RespValue][] = [];
  for (let i = 0; i + 1 < items.length; i += 2) entries.push([items[i]!, items[i + 1]!]);
  return new RespMap(entries);
}

function lengthOf(type: string, line: string, max: number): number {
  if (line === '-1' && (type === '$' || type === '*')) return -1;
  const length = Number(line);
  if (!/^\d{1,10}$/.test(line) || length > max)
    throw new RespProtocolError(`expected a length after ${type}, got ${JSON.stringify(line.slice(0, 40))}`);
  return length;
}

function scalarOf(type: string, line: string, bytes: Buffer): RespValue {
  switch (type) {
    case '+':
      return bytes.toString();
    case '-':
      return new RespError(bytes.toString());
    case ':':
      if (/^[+-]?\d{1,15}$/.test(line)) return Number(line);
      if (/^[+-]?\d{1,19}$/.test(line)) return smallest(BigInt(line.replace(/^\+/, '')));
      break;
    case '(':
      if (/^[+-]?\d+$/.test(line)) return BigInt(line.replace(/^\+/, ''));
      break;
    case ',':
      if (/^[+-]?inf$/.test(line)) return line.startsWith('-') ? -Infinity : Infinity;
      if (/^[+-]?nan$/.test(line)) return NaN;
      if (/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/.test(line)) return Number(line);
      break;
    case '#':
      if (line === 't' || line === 'f') return line === 't';
      break;
    case '_':
      if (line === '') return null;
      break;
  }
  throw new RespProtocolError(`no RESP: ${JSON.stringify((type + line).slice(0, 40))}`);
}

/** Integers are 64 bits wide; nearly all of them fit a number. */
function smallest(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** `txt:...` without the format. */
function verbatim(bulk: Buffer): string {
  return bulk.toString('utf8', 4);
}
