import { createRequire } from 'node:module';
import { type HnswSettings, type Neighbours, type VectorIndex, unitScale } from './vector-index.ts';

// What we use of the package's own types, which are as absent as the package where it could not be built.
interface HierarchicalNSW {
  initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
  resizeIndex(maxElements: number): void;
  addPoint(point: readonly number[], label: number): void;
  markDelete(label: number): void;
  searchKnn(point: readonly number[], k: number): { neighbors: number[]; distances: number[] };
  setEf(ef: number): void;
}

interface Addon {
  readonly HierarchicalNSW: new (space: 'l2' | 'ip', dimensions: number) => HierarchicalNSW;
}

const FIRST_CAPACITY = 128;
const NOTHING: Neighbours = { slots: [], distances: [] };

/** The addon, where it could be built. It is an optional dependency: its absence is an answer, not a failure. */
export function loadHnswlib(): Addon | undefined {
  try {
    return createRequire(import.meta.url)('hnswlib-node') as Addon;
  } catch {
    return undefined;
  }
}

/** HNSW by hnswlib. Replaced vectors are linked anew; deleted ones stay as bridges, and are not found. */
export class HnswlibIndex implements VectorIndex {
  readonly #addon: Addon;
  readonly #settings: HnswSettings;
  /** The addon takes plain arrays only; one is enough. */
  readonly #point: number[];
  #index: HierarchicalNSW | undefined;
  #capacity = FIRST_CAPACITY;
  #ef = 0;
  #isUsed: boolean[] = [];
  size = 0;

  constructor(addon: Addon, settings: HnswSettings) {
    this.#addon = addon;
    this.#settings = settings;
    this.#point = Array.from({ length: settings.dimensions }, () => 0);
  }

  set(slot: number, vector: Float32Array): void {
    // Native memory that the garbage collector does not see: none for an index without vectors.
    const index = (this.#index ??= this.#create());
    if (slot >= this.#capacity) {
      this.#capacity = Math.max(slot + 1, this.#capacity * 2);
      index.resizeIndex(this.#capacity);
    }
    index.addPoint(this.#pointOf(vector), slot);
    while (this.#isUsed.length <= slot) this.#isUsed.push(false);
    if (!this.#isUsed[slot]) this.size++;
    this.#isUsed[slot] = true;
  }

  delete(slot: number): void {
    if (!this.#isUsed[slot]) return;
    this.#isUsed[slot] = false;
    this.size--;
    this.#index?.markDelete(slot);
  }

  search(query: Float32Array, k: number, ef: number): Neighbours {
    if (this.#index === undefined || this.size === 0) return NOTHING;
    if (ef !== this.#ef) {
      this.#index.setEf(ef);
      this.#ef = ef;
    }
    const found = this.#index.searchKnn(this.#pointOf(query), Math.min(k, this.size));
    return { slots: found.neighbors, distances: found.distances };
  }

  #create(): HierarchicalNSW {
    const { dimensions, metric, m, efConstruction } = this.#settings;
    // Vectors of COSINE go in at length 1.
    const index = new this.#addon.HierarchicalNSW(metric === 'L2' ? 'l2' : 'ip', dimensions);
    index.initIndex({ maxElements: this.#capacity, m, efConstruction, randomSeed: 100 });
    return index;
  }

  #pointOf(vector: Float32Array): number[] {
    const point = this.#point;
    const scale = this.#settings.metric === 'COSINE' ? unitScale(vector) : 1;
    for (let i = 0; i < vector.length; i++) point[i] = vector[i]! * scale;
    return point;
  }
}
