import { CommandError } from '../command-error.ts';
import type { Hash } from '../values/database.ts';
import { FlatIndex } from '../vector/flat.ts';
import type { HnswProvider } from '../vector/provider.ts';
import type { Neighbours, VectorIndex } from '../vector/vector-index.ts';
import type { VectorFieldSchema } from './schema.ts';

/** One vector field of an index: which key stands in which slot, and the vectors. */
export class VectorField {
  readonly schema: VectorFieldSchema;
  readonly #index: VectorIndex;
  readonly #slots = new Map<string, number>();
  /** By slot. */
  readonly #keys: string[] = [];
  /** By slot, what the hash holds: a change of another field must not cost an index update. */
  readonly #blobs: string[] = [];
  readonly #free: number[] = [];
  readonly #vector: Float32Array;
  readonly #bytes: Buffer;
  /** Hashes whose field has another length. */
  failures = 0;

  constructor(schema: VectorFieldSchema, hnsw: HnswProvider) {
    this.schema = schema;
    this.#index = schema.algorithm === 'FLAT' ? new FlatIndex(schema) : hnsw.create(schema);
    this.#vector = new Float32Array(schema.dimensions);
    this.#bytes = Buffer.from(this.#vector.buffer);
  }

  get size(): number {
    return this.#slots.size;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  keyOf(slot: number): string {
    return this.#keys[slot]!;
  }

  /** Takes what the hash holds now. @returns whether the key is in the index. */
  update(key: string, hash: Hash | undefined): boolean {
    const blob = hash?.get(this.schema.name);
    if (blob === undefined || blob.length !== this.#bytes.length) {
      if (blob !== undefined) this.failures++;
      this.#remove(key);
      return false;
    }
    const known = this.#slots.get(key);
    if (known !== undefined && this.#blobs[known] === blob) return true;
    const slot = known ?? this.#free.pop() ?? this.#keys.length;
    this.#bytes.write(blob, 'latin1');
    if (!isUsable(this.#vector)) {
      this.failures++;
      this.#remove(key);
      return false;
    }
    this.#index.set(slot, this.#vector);
    this.#keys[slot] = key;
    this.#blobs[slot] = blob;
    this.#slots.set(key, slot);
    return true;
  }

  /**
   * @param blob `byteLength` bytes. @returns slots, whose keys `keyOf` tells.
   * @throws CommandError for numbers that have no distance.
   */
  search(blob: Uint8Array, k: number, ef: number): Neighbours {
    this.#bytes.set(blob);
    if (!isUsable(this.#vector))
      throw new CommandError(
        'Error parsing vector similarity query: the query vector holds NaN, or numbers over 1e15',
      );
    return this.#index.search(this.#vector, k, Math.min(ef, Math.max(1, this.#keys.length)));
  }

  #remove(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#index.delete(slot);
    this.#slots.delete(key);
    this.#keys[slot] = '';
    this.#blobs[slot] = '';
    this.#free.push(slot);
  }
}

/** Whether distances can be computed: no NaN, and no square that is infinite in single precision. */
function isUsable(vector: Float32Array): boolean {
  for (let i = 0; i < vector.length; i++) if (!(Math.abs(vector[i]!) <= 1e15)) return false;
  return true;
}
