export type Metric = 'L2' | 'IP' | 'COSINE';

export interface VectorSettings {
  readonly dimensions: number;
  readonly metric: Metric;
}

export interface HnswSettings extends VectorSettings {
  /** Links of a node on the upper layers; twice as many on the lowest. */
  readonly m: number;
  readonly efConstruction: number;
}

/** Nearest first. */
export interface Neighbours {
  readonly slots: readonly number[];
  /** L2: squared; IP: 1 - dot product; COSINE: 1 - cosine. */
  readonly distances: readonly number[];
}

/** Vectors under small whole numbers, which are used again after a delete. */
export interface VectorIndex {
  readonly size: number;
  /** Adds or replaces; copies the vector. */
  set(slot: number, vector: Float32Array): void;
  delete(slot: number): void;
  /** @param ef how many candidates are kept: more is slower and nearer to exact. FLAT is exact without. */
  search(query: Float32Array, k: number, ef: number): Neighbours;
}

/** What makes a vector's length 1, in which case the distance of COSINE is that of IP. A zero vector stays as it is. */
export function unitScale(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!;
  return sum === 0 ? 1 : 1 / Math.sqrt(sum);
}
