import { UsageError } from '../error.ts';
import type { CommandSpec, VectorOperation } from './options.ts';
import { DATA, RAND_INT, TAG } from './request-template.ts';

type Words = (key: (name: string) => string, isRandom: boolean) => readonly string[];

const number = RAND_INT;

/** The commands of valkey-benchmark, to the letter, so that results compare and key spaces match. */
const COMMANDS: Readonly<Record<string, Words>> = {
  ping: () => ['PING'],
  ping_inline: () => ['PING'],
  set: (key) => ['SET', key('key:#'), DATA],
  get: (key) => ['GET', key('key:#')],
  incr: (key) => ['INCR', key('counter:#')],
  lpush: (key) => ['LPUSH', key('mylist'), DATA],
  rpush: (key) => ['RPUSH', key('mylist'), DATA],
  lpop: (key) => ['LPOP', key('mylist')],
  rpop: (key) => ['RPOP', key('mylist')],
  sadd: (key) => ['SADD', key('myset'), `element:${number}`],
  hset: (key) => ['HSET', key('myhash'), `element:${number}`, DATA],
  spop: (key) => ['SPOP', key('myset')],
  zadd: (key, isRandom) => ['ZADD', key('myzset'), isRandom ? number : '0', `element:${number}`],
  zpopmin: (key) => ['ZPOPMIN', key('myzset')],
  lrange_100: (key) => ['LRANGE', key('mylist'), '0', '99'],
  lrange_300: (key) => ['LRANGE', key('mylist'), '0', '299'],
  lrange_500: (key) => ['LRANGE', key('mylist'), '0', '499'],
  lrange_600: (key) => ['LRANGE', key('mylist'), '0', '599'],
  mset: (key) => ['MSET', ...Array.from({ length: 10 }, () => [key('key:#'), DATA]).flat()],
};

export const VECTOR_OPERATIONS: readonly VectorOperation[] = [
  'vec-load',
  'vec-query',
  'vec-delete',
  'vec-update',
];

/** What `-t` knows. */
export const OPERATIONS: readonly string[] = [...Object.keys(COMMANDS), ...VECTOR_OPERATIONS];

/** How an operation's keys and values are made. */
export interface Keying {
  /** Keys carry a hash tag, so that a request can be made for any node. */
  readonly cluster: boolean;
  readonly isRandom: boolean;
  /** What all keys begin with; nothing without. */
  readonly prefix?: string;
}

export function isVectorOperation(name: string): name is VectorOperation {
  return (VECTOR_OPERATIONS as readonly string[]).includes(name);
}

/** @throws {UsageError} for a name that is none of ours. */
export function commandOf(name: string, share: number, keying: Keying): CommandSpec {
  const words = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (words === undefined)
    throw new UsageError(
      'unknown-operation',
      `Expected an operation out of ${OPERATIONS.join(', ')}, got "${name}".`,
    );
  const tag = keying.cluster ? `:${TAG}` : '';
  const key = (pattern: string): string =>
    `${keying.prefix ?? ''}${pattern.endsWith(':#') ? `${pattern.slice(0, -2)}${tag}:${number}` : `${pattern}${tag}`}`;
  return {
    name,
    words: words(key, keying.isRandom),
    share,
    ...(name === 'ping_inline' && { inline: true as const }),
  };
}

/** How many elements a list needs before `lrange_N` means what it says; 0 for other operations. */
export function elementsNeeded(name: string): number {
  const match = /^lrange_(\d+)$/.exec(name);
  return match ? Number(match[1]) : 0;
}
