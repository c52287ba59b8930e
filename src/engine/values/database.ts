import { wrongType } from '../command-error.ts';
import { Deque } from './deque.ts';
import { RandomSet } from './random-set.ts';
import { SortedSet } from './sorted-set.ts';
import { Stream } from './stream.ts';

export type Hash = Map<string, string>;
/** Strings are strings, binary as latin1. */
export type Value = string | Hash | Deque | RandomSet | SortedSet | Stream;

/** Told of what happens to hashes, at once: indexes follow them. */
export interface HashObserver {
  /** @param hash undefined when the key is gone, or holds something else now. */
  changed(key: string, hash: Hash | undefined): void;
  cleared(): void;
}

/** The keys of one database. Empty collections do not exist. */
export class Database {
  readonly #values = new Map<string, Value>();
  readonly #observer: HashObserver | undefined;

  constructor(observer?: HashObserver) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  /** @throws CommandError WRONGTYPE, as all of these. */
  string(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value !== undefined && typeof value !== 'string') throw wrongType();
    return value;
  }

  hash(key: string): Hash | undefined {
    return this.#typed(key, Map) as Hash | undefined;
  }

  list(key: string): Deque | undefined {
    return this.#typed(key, Deque);
  }

  set(key: string): RandomSet | undefined {
    return this.#typed(key, RandomSet);
  }

  sortedSet(key: string): SortedSet | undefined {
    return this.#typed(key, SortedSet);
  }

  stream(key: string): Stream | undefined {
    return this.#typed(key, Stream);
  }

  put(key: string, value: Value): void {
    if (this.#observer && !(value instanceof Map) && this.#values.get(key) instanceof Map)
      this.#observer.changed(key, undefined);
    this.#values.set(key, value);
  }

  /** To be called after each change of a hash. */
  hashChanged(key: string, hash: Hash): void {
    if (hash.size === 0) this.delete(key);
    else this.#observer?.changed(key, hash);
  }

  delete(key: string): boolean {
    if (this.#observer && this.#values.get(key) instanceof Map) this.#observer.changed(key, undefined);
    return this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
    this.#observer?.cleared();
  }

  #typed<Kind>(key: string, kind: new () => Kind): Kind | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (value instanceof kind) return value;
    throw wrongType();
  }
}

/** What TYPE says. */
export function typeOfValue(value: Value | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return 'string';
  if (value instanceof Map) return 'hash';
  if (value instanceof Deque) return 'list';
  if (value instanceof RandomSet) return 'set';
  return value instanceof SortedSet ? 'zset' : 'stream';
}
