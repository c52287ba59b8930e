import { isRespArray, textOf, type RespValue } from '../valkey/resp.ts';
import type { ServerAddress } from './options.ts';

export const SLOTS = 16_384;

/** A primary and the slots that it serves. */
export interface ClusterNode {
  readonly host: string;
  readonly port: number;
  /** First and last slot of each range. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** Reads CLUSTER SLOTS. @param asked the node that was asked: an unknown host in the reply means it. */
export function nodesOf(reply: RespValue, asked: Pick<ServerAddress, 'host'>): ClusterNode[] {
  const nodes = new Map<string, { host: string; port: number; ranges: [number, number][] }>();
  for (const range of isRespArray(reply) ? reply : []) {
    if (!isRespArray(range)) continue;
    const [first, last, primary] = range;
    if (typeof first !== 'number' || typeof last !== 'number' || !isRespArray(primary)) continue;
    const named = textOf(primary[0]) ?? '';
    const host = named === '' || named === '?' ? asked.host : named;
    const port = Number(textOf(primary[1]));
    const key = `${host} ${port}`;
    const node = nodes.get(key) ?? { host, port, ranges: [] };
    node.ranges.push([first, last]);
    nodes.set(key, node);
  }
  return [...nodes.values()];
}

/** Where MOVED or ASK points to. */
export interface Redirection {
  readonly kind: 'MOVED' | 'ASK';
  readonly slot: number;
  readonly host: string;
  readonly port: number;
}

/** Reads `MOVED 866 127.0.0.1:7000`; undefined for any other error. A missing host means the node that said it. */
export function redirectionOf(message: string, from: Pick<ServerAddress, 'host'>): Redirection | undefined {
  const match = /^(MOVED|ASK) (\d+) (\S*):(\d+)/.exec(message);
  if (!match) return undefined;
  const [, kind, slot, host, port] = match;
  return { kind: kind as 'MOVED' | 'ASK', slot: Number(slot), host: host || from.host, port: Number(port) };
}

/** CRC16 (XMODEM), as the cluster specification has it. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

/** The slot of a key: of what stands in its first braces, if anything does. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return crc16(Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key)) % SLOTS;
}

let tags: readonly string[] | undefined;

/** For each slot three letters that hash to it: `{tag}` in a key puts it there. */
export function slotTags(): readonly string[] {
  if (tags) return tags;
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const found: string[] = Array.from({ length: SLOTS });
  let missing = SLOTS;
  for (const a of letters)
    for (const b of letters)
      for (const c of letters) {
        const slot = crc16(Buffer.from(a + b + c)) % SLOTS;
        if (found[slot] !== undefined) continue;
        found[slot] = a + b + c;
        if (--missing === 0) return (tags = found);
      }
  throw new Error(`${missing} slots without a tag`);
}

/** The tags of a node's slots. */
export function tagsOf(node: Pick<ClusterNode, 'ranges'>): string[] {
  return node.ranges.flatMap(([first, last]) => slotTags().slice(first, last + 1));
}
