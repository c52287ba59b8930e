import { distanceOf, type Distance } from './distance.ts';
import { takeNearestFirst } from './flat.ts';
import { LinkTable } from './link-table.ts';
import { DistanceHeap } from './distance-heap.ts';
import { selectDiverse } from './select-diverse.ts';
import { type HnswSettings, type Neighbours, type VectorIndex, unitScale } from './vector-index.ts';
import { VectorStore } from './vector-store.ts';

const NOBODY = -1;

/**
 * Hierarchical navigable small worlds (Malkov and Yashunin 2018, doi:10.1109/TPAMI.2018.2889473) in JavaScript, for
 * machines where the addon could not be built. Deleted nodes stay as bridges, and are not found; a slot that is set
 * again is linked anew at its old level.
 */
export class HnswIndex implements VectorIndex {
  readonly #settings: HnswSettings;
  readonly #store: VectorStore;
  readonly #distance: Distance;
  readonly #links: LinkTable;
  readonly #candidates = new DistanceHeap('nearest');
  readonly #found = new DistanceHeap('farthest');
  /** The last search that saw a node: cheaper than clearing flags. */
  #seen = new Uint32Array(0);
  #search = 0;
  #isUsed: boolean[] = [];
  #levels: number[] = [];
  #entry = NOBODY;
  #random = 0x9e3779b9;
  size = 0;

  constructor(settings: HnswSettings) {
    this.#settings = settings;
    this.#store = new VectorStore(settings.dimensions);
    this.#distance = distanceOf(settings.metric);
    this.#links = new LinkTable(settings.m);
  }

  set(slot: number, given: Float32Array): void {
    const vector = this.#prepare(given);
    const known = this.#levels[slot];
    this.#store.set(slot, vector);
    while (this.#isUsed.length <= slot) this.#isUsed.push(false);
    if (!this.#isUsed[slot]) this.size++;
    this.#isUsed[slot] = true;
    if (this.#seen.length < this.#store.capacity) this.#seen = new Uint32Array(this.#store.capacity);
    const level = known ?? this.#drawLevel();
    this.#levels[slot] = level;
    if (known !== undefined) this.#leave(slot, level);
    this.#links.add(slot, level);
    if (this.#entry === NOBODY) this.#entry = slot;
    else if (known === undefined || this.size > 1 || this.#entry !== slot) this.#link(slot, level, vector);
  }

  delete(slot: number): void {
    if (this.#isUsed[slot]) this.size--;
    this.#isUsed[slot] = false;
  }

  search(given: Float32Array, k: number, ef: number): Neighbours {
    if (this.size === 0) return { slots: [], distances: [] };
    const query = this.#prepare(given);
    let entry = this.#entry;
    for (let layer = this.#levels[entry]!; layer > 0; layer--) entry = this.#descend(query, entry, layer);
    this.#searchLayer(query, entry, 0, Math.max(k, ef), true);
    while (this.#found.size > k) this.#found.pop();
    return takeNearestFirst(this.#found);
  }

  /** Vectors of COSINE are held at length 1. */
  #prepare(vector: Float32Array): Float32Array {
    if (this.#settings.metric !== 'COSINE') return vector;
    const scale = unitScale(vector);
    return vector.map((value) => value * scale);
  }

  /** The neighbours of a node that moves away link to each other instead. It keeps its own links: a way out. */
  #leave(slot: number, level: number): void {
    for (let layer = 0; layer <= level; layer++) {
      const left = [...this.#links.of(slot, layer)];
      for (const other of left) {
        const kept = [...this.#links.of(other, layer)];
        if (!kept.includes(slot)) continue;
        const distance = this.#between(this.#store.at(other));
        const near = [...new Set([...kept, ...left])]
          .filter((node) => node !== slot && node !== other)
          .sort((a, b) => distance(a) - distance(b));
        const limit = this.#links.limit(layer);
        this.#links.replace(other, layer, selectDiverse(near, limit, distance, this.#distanceOfSlots));
      }
    }
  }

  /** Finds a node's neighbours on each of its layers, and links both ways. */
  #link(slot: number, level: number, vector: Float32Array): void {
    let entry = this.#entry;
    const top = this.#levels[entry]!;
    for (let layer = top; layer > level; layer--) entry = this.#descend(vector, entry, layer);
    for (let layer = Math.min(top, level); layer >= 0; layer--) {
      this.#searchLayer(vector, entry, layer, this.#settings.efConstruction, false);
      const near = takeNearestFirst(this.#found);
      const others = near.slots.filter((other) => other !== slot);
      if (others.length === 0) continue;
      entry = others[0]!;
      const chosen = selectDiverse(others, this.#settings.m, this.#between(vector), this.#distanceOfSlots);
      this.#links.replace(slot, layer, chosen);
      for (const other of chosen) this.#linkBack(other, slot, layer);
    }
    if (level > top) this.#entry = slot;
  }

  #linkBack(from: number, to: number, layer: number): void {
    if (this.#links.push(from, layer, to)) return;
    const vector = this.#store.at(from);
    const distance = this.#between(vector);
    const near = [...this.#links.of(from, layer), to].sort((a, b) => distance(a) - distance(b));
    this.#links.replace(
      from,
      layer,
      selectDiverse(near, this.#links.limit(layer), distance, this.#distanceOfSlots),
    );
  }

  #descend(query: Float32Array, from: number, layer: number): number {
    const distance = this.#between(query);
    let nearest = from;
    let least = distance(from);
    for (let moved = true; moved;) {
      moved = false;
      for (const next of this.#links.of(nearest, layer)) {
        const reached = distance(next);
        if (reached >= least) continue;
        least = reached;
        nearest = next;
        moved = true;
      }
    }
    return nearest;
  }

  /** Leaves up to `ef` of the nearest nodes in `#found`. */
  #searchLayer(query: Float32Array, entry: number, layer: number, ef: number, onlyUsed: boolean): void {
    const candidates = this.#candidates;
    const found = this.#found;
    const vectors = this.#store.all;
    const dimensions = this.#store.dimensions;
    const seen = this.#seen;
    const search = this.#nextSearch();
    candidates.clear();
    found.clear();
    const start = this.#distance(query, vectors, entry * dimensions);
    candidates.push(entry, start);
    seen[entry] = search;
    if (!onlyUsed || this.#isUsed[entry]) found.push(entry, start);
    while (candidates.size > 0) {
      if (found.size >= ef && candidates.firstDistance > found.firstDistance) return;
      const node = candidates.firstId;
      candidates.pop();
      const table = this.#links.table(node, layer);
      const first = this.#links.first(node, layer);
      const count = table[first]!;
      for (let i = first + 1; i <= first + count; i++) {
        const next = table[i]!;
        if (seen[next] === search) continue;
        seen[next] = search;
        const distance = this.#distance(query, vectors, next * dimensions);
        if (found.size >= ef && distance >= found.firstDistance) continue;
        candidates.push(next, distance);
        if (onlyUsed && !this.#isUsed[next]) continue;
        found.push(next, distance);
        if (found.size > ef) found.pop();
      }
    }
  }

  #nextSearch(): number {
    if (this.#search === 0xffffffff) {
      this.#seen.fill(0);
      this.#search = 0;
    }
    return ++this.#search;
  }

  #between(query: Float32Array): (slot: number) => number {
    return (slot) => this.#distance(query, this.#store.all, slot * this.#store.dimensions);
  }

  readonly #distanceOfSlots = (a: number, b: number): number =>
    this.#distance(this.#store.at(a), this.#store.all, b * this.#store.dimensions);

  /** Exponentially fewer nodes on each layer; the same ones in each run. */
  #drawLevel(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    const level = -Math.log((this.#random + 1) / 2 ** 32) / Math.log(this.#settings.m);
    return Math.min(Math.floor(level), 16);
  }
}
