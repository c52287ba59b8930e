import { distanceOf, type Distance } from './distance.ts';
import { DistanceHeap } from './distance-heap.ts';
import { type Neighbours, type VectorIndex, type VectorSettings, unitScale } from './vector-index.ts';
import { VectorStore } from './vector-store.ts';

/** Exact: looks at every vector. */
export class FlatIndex implements VectorIndex {
  readonly #store: VectorStore;
  readonly #distance: Distance;
  readonly #isCosine: boolean;
  readonly #farthest = new DistanceHeap('farthest');
  #isUsed: boolean[] = [];
  /** By slot, for COSINE: vectors at length 1 in single precision would not be exact. */
  readonly #scales: number[] = [];
  size = 0;

  constructor(settings: VectorSettings) {
    this.#store = new VectorStore(settings.dimensions);
    this.#distance = distanceOf(settings.metric);
    this.#isCosine = settings.metric === 'COSINE';
  }

  set(slot: number, vector: Float32Array): void {
    this.#store.set(slot, vector);
    while (this.#isUsed.length <= slot) this.#isUsed.push(false);
    if (!this.#isUsed[slot]) this.size++;
    this.#isUsed[slot] = true;
    this.#scales[slot] = this.#isCosine ? unitScale(vector) : 1;
  }

  delete(slot: number): void {
    if (this.#isUsed[slot]) this.size--;
    this.#isUsed[slot] = false;
  }

  /** Of equal distances, those of lower slots win. */
  search(query: Float32Array, k: number): Neighbours {
    const heap = this.#farthest;
    const vectors = this.#store.all;
    const dimensions = this.#store.dimensions;
    const scale = this.#isCosine ? unitScale(query) : 1;
    heap.clear();
    let worst = Infinity;
    for (let slot = 0; slot < this.#isUsed.length; slot++) {
      if (!this.#isUsed[slot]) continue;
      const plain = this.#distance(query, vectors, slot * dimensions);
      const distance = this.#isCosine ? 1 - (1 - plain) * scale * this.#scales[slot]! : plain;
      if (heap.size < k) heap.push(slot, distance);
      else if (distance < worst) {
        heap.pop();
        heap.push(slot, distance);
      } else continue;
      worst = heap.size < k ? Infinity : heap.firstDistance;
    }
    return takeNearestFirst(heap);
  }
}

/** Empties a heap of farthest-first; equal distances in the order of their slots. */
export function takeNearestFirst(heap: DistanceHeap): Neighbours {
  const found: { slot: number; distance: number }[] = [];
  for (; heap.size > 0; heap.pop()) found.push({ slot: heap.firstId, distance: heap.firstDistance });
  found.sort((a, b) => a.distance - b.distance || a.slot - b.slot);
  return { slots: found.map(({ slot }) => slot), distances: found.map(({ distance }) => distance) };
}
