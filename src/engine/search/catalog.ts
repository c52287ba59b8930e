import { CommandError } from '../command-error.ts';
import type { Hash, HashObserver } from '../values/database.ts';
import type { HnswProvider } from '../vector/provider.ts';
import type { IndexSchema } from './schema.ts';
import { SearchIndex } from './search-index.ts';
import { shown } from './words.ts';

/** Queries since the start; RESETSTAT clears them. */
export interface SearchCounters {
  successful: number;
  failed: number;
  /** Spent in the index, µs. */
  hnswUs: number;
  flatUs: number;
}

const MAX_INDEXES = 1000;

const freshCounters = (): SearchCounters => ({ successful: 0, failed: 0, hnswUs: 0, flatUs: 0 });

/** All FT indexes of one database. */
export class SearchCatalog implements HashObserver {
  readonly hnsw: HnswProvider;
  readonly #indexes = new Map<string, SearchIndex>();
  #counters = freshCounters();

  constructor(hnsw: HnswProvider) {
    this.hnsw = hnsw;
  }

  get counters(): SearchCounters {
    return this.#counters;
  }

  resetCounters(): void {
    this.#counters = freshCounters();
  }

  get names(): string[] {
    return [...this.#indexes.keys()];
  }

  get all(): SearchIndex[] {
    return [...this.#indexes.values()];
  }

  /** @throws CommandError when there is none. */
  get(name: string): SearchIndex {
    const index = this.#indexes.get(name);
    if (index === undefined)
      throw new CommandError(`Index with name '${shown(name)}' not found in database 0`);
    return index;
  }

  create(schema: IndexSchema): SearchIndex {
    if (this.#indexes.has(schema.name))
      throw new CommandError(`Index ${shown(schema.name)} in database 0 already exists.`);
    if (this.#indexes.size >= MAX_INDEXES)
      throw new CommandError(`The maximum number of indexes (${MAX_INDEXES}) is reached`);
    const index = new SearchIndex(schema, this.hnsw);
    this.#indexes.set(schema.name, index);
    return index;
  }

  drop(name: string): void {
    this.get(name).drop();
    this.#indexes.delete(name);
  }

  changed(key: string, hash: Hash | undefined): void {
    for (const index of this.#indexes.values()) if (index.covers(key)) index.update(key, hash);
  }

  /** FLUSHDB takes indexes with it, as in valkey-search. */
  cleared(): void {
    for (const name of this.names) this.drop(name);
  }
}
