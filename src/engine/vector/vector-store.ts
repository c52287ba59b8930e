/** Vectors one behind the other in one array that grows. */
export class VectorStore {
  readonly dimensions: number;
  #vectors: Float32Array;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.#vectors = new Float32Array(dimensions * 16);
  }

  /** All of them; a slot's begins at `slot * dimensions`. Another array after `set` had to grow it. */
  get all(): Float32Array {
    return this.#vectors;
  }

  /** How many fit. */
  get capacity(): number {
    return this.#vectors.length / this.dimensions;
  }

  set(slot: number, vector: Float32Array): void {
    if (slot >= this.capacity) {
      const grown = new Float32Array(Math.max(slot + 1, this.capacity * 2) * this.dimensions);
      grown.set(this.#vectors);
      this.#vectors = grown;
    }
    this.#vectors.set(vector, slot * this.dimensions);
  }

  /** Not a copy. */
  at(slot: number): Float32Array {
    return this.#vectors.subarray(slot * this.dimensions, (slot + 1) * this.dimensions);
  }
}
