/** A reply of a Valkey or Redis server, RESP2 or RESP3. Simple strings are strings, bulk strings are Buffers. */
export type RespValue =
  null | boolean | number | bigint | string | Buffer | RespError | RespMap | RespPush | readonly RespValue[];

/** An error reply. It is data, not thrown: only the caller knows whether it is a failure. */
export class RespError {
  /** The first word, which scripts compare: `ERR`, `MOVED`, `OOM`, `WRONGTYPE`. */
  readonly kind: string;
  /** All of it, the kind included. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
    const blank = message.indexOf(' ');
    this.kind = blank < 0 ? message : message.slice(0, blank);
  }
}

/** A RESP3 map, in the server's order; keys may be any value. */
export class RespMap {
  readonly entries: readonly (readonly [RespValue, RespValue])[];

  constructor(entries: readonly (readonly [RespValue, RespValue])[]) {
    this.entries = entries;
  }
}

/** A RESP3 push: it answers no command. */
export class RespPush {
  readonly items: readonly RespValue[];

  constructor(items: readonly RespValue[]) {
    this.items = items;
  }
}

/** Bytes that are no RESP: the connection cannot be used any more. */
export class RespProtocolError extends Error {
  override readonly name = 'RespProtocolError';
}

/** The text of a string of either kind, or of a number; undefined for anything else. */
export function textOf(value: RespValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString();
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

/**
 * What RESP2 sends as a flat list of pairs and RESP3 as a map, with keys as text; undefined for anything else.
 * FT.INFO, CONFIG GET and HELLO reply like this.
 */
export function pairsOf(value: RespValue | undefined): Map<string, RespValue> | undefined {
  const pairs = new Map<string, RespValue>();
  if (value instanceof RespMap) {
    for (const [key, item] of value.entries) pairs.set(textOf(key) ?? '', item);
    return pairs;
  }
  if (!isRespArray(value)) return undefined;
  for (let i = 0; i + 1 < value.length; i += 2) pairs.set(textOf(value[i]) ?? '', value[i + 1]!);
  return pairs;
}

/** Array.isArray does not narrow a readonly array. */
export function isRespArray(value: RespValue | undefined): value is readonly RespValue[] {
  return Array.isArray(value);
}
