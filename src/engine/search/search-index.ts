import type { Database, Hash } from '../values/database.ts';
import type { HnswProvider } from '../vector/provider.ts';
import type { IndexSchema } from './schema.ts';
import { VectorField } from './vector-field.ts';

/** Between two looks at the clients, ms: a backfill must not hold them up. */
const BACKFILL_SLICE_MS = 5;

/** One FT index: it follows the hashes whose keys begin with its prefixes. */
export class SearchIndex {
  readonly schema: IndexSchema;
  readonly vectors: readonly VectorField[];
  readonly #documents = new Set<string>();
  #isDropped = false;
  /** Keys that were there before the index, and are not read yet. */
  #toRead = 0;
  #wereThere = 0;

  constructor(schema: IndexSchema, hnsw: HnswProvider) {
    this.schema = schema;
    this.vectors = schema.fields
      .filter((field) => field.kind === 'vector')
      .map((field) => new VectorField(field, hnsw));
  }

  get documents(): number {
    return this.#documents.size;
  }

  get failures(): number {
    return this.vectors.reduce((sum, { failures }) => sum + failures, 0);
  }

  get isBackfilling(): boolean {
    return this.#toRead > 0;
  }

  /** 0 to 1. */
  get backfilled(): number {
    return this.#wereThere === 0 ? 1 : 1 - this.#toRead / this.#wereThere;
  }

  covers(key: string): boolean {
    return this.schema.prefixes.some((prefix) => key.startsWith(prefix));
  }

  update(key: string, hash: Hash | undefined): void {
    let isIndexed = this.vectors.length === 0 && hash !== undefined;
    for (const field of this.vectors) if (field.update(key, hash)) isIndexed = true;
    if (isIndexed) this.#documents.add(key);
    else this.#documents.delete(key);
  }

  /** Reads what is there already, in slices; changes in the meantime come through `update`. */
  backfill(database: Database): void {
    const keys = [...database.keys()].filter((key) => this.covers(key));
    this.#wereThere = this.#toRead = keys.length;
    const readSome = (): void => {
      const until = performance.now() + BACKFILL_SLICE_MS;
      while (this.#toRead > 0 && !this.#isDropped && performance.now() < until) {
        const key = keys[keys.length - this.#toRead--]!;
        const hash = database.get(key);
        if (hash instanceof Map) this.update(key, hash);
      }
      if (this.#toRead > 0 && !this.#isDropped) setImmediate(readSome);
    };
    if (this.#toRead > 0) readSome();
  }

  /** Ends a backfill. */
  drop(): void {
    this.#isDropped = true;
    this.#toRead = 0;
  }
}
