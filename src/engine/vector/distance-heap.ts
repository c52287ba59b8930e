/**
 * Ids by distance in typed arrays: a binary heap whose first is the nearest, or the farthest. Of equal distances the
 * higher id is first: the one to lose its place in a list of nearest.
 */
export class DistanceHeap {
  readonly #sign: 1 | -1;
  #ids = new Int32Array(64);
  #keys = new Float64Array(64);
  size = 0;

  constructor(first: 'nearest' | 'farthest') {
    this.#sign = first === 'nearest' ? 1 : -1;
  }

  get firstId(): number {
    return this.#ids[0]!;
  }

  get firstDistance(): number {
    return this.#keys[0]! * this.#sign;
  }

  clear(): void {
    this.size = 0;
  }

  push(id: number, distance: number): void {
    if (this.size === this.#ids.length) this.#grow();
    const key = distance * this.#sign;
    const ids = this.#ids;
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = keys[parent]!;
      if (above < key || (above === key && ids[parent]! > id)) break;
      ids[at] = ids[parent]!;
      keys[at] = keys[parent]!;
      at = parent;
    }
    ids[at] = id;
    keys[at] = key;
  }

  /** Takes the first away. Read it before. */
  pop(): void {
    const ids = this.#ids;
    const keys = this.#keys;
    const size = --this.size;
    const id = ids[size]!;
    const key = keys[size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      let below = keys[child]!;
      const other = child + 1 < size ? keys[child + 1]! : Infinity;
      if (other < below || (other === below && child + 1 < size && ids[child + 1]! > ids[child]!)) {
        child++;
        below = other;
      }
      if (below > key || (below === key && ids[child]! < id)) break;
      ids[at] = ids[child]!;
      keys[at] = below;
      at = child;
    }
    ids[at] = id;
    keys[at] = key;
  }

  #grow(): void {
    const ids = new Int32Array(this.#ids.length * 2);
    const keys = new Float64Array(ids.length);
    ids.set(this.#ids);
    keys.set(this.#keys);
    this.#ids = ids;
    this.#keys = keys;
  }
}
