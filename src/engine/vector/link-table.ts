const NOTHING = new Int32Array(1);

/** Who is linked to whom, on each layer: lists of fixed room, their length first. */
export class LinkTable {
  readonly #m: number;
  #lowest: Int32Array;
  /** By node; layers from the first one on, one behind the other. Few nodes have any. */
  readonly #upper = new Map<number, Int32Array>();

  constructor(m: number) {
    this.#m = m;
    this.#lowest = new Int32Array(16 * (2 * m + 1));
  }

  /** Links that a node may have there. */
  limit(layer: number): number {
    return layer === 0 ? 2 * this.#m : this.#m;
  }

  /** Makes room; a node that is known keeps its links. */
  add(node: number, level: number): void {
    const room = 2 * this.#m + 1;
    if ((node + 1) * room > this.#lowest.length) {
      const grown = new Int32Array(Math.max((node + 1) * room, this.#lowest.length * 2));
      grown.set(this.#lowest);
      this.#lowest = grown;
    }
    if (level > 0 && !this.#upper.has(node)) this.#upper.set(node, new Int32Array(level * (this.#m + 1)));
  }

  /** The array that holds a node's links of a layer: their count stands at `first`, they follow. */
  table(node: number, layer: number): Int32Array {
    return layer === 0 ? this.#lowest : (this.#upper.get(node) ?? NOTHING);
  }

  first(node: number, layer: number): number {
    return layer === 0 ? node * (2 * this.#m + 1) : (layer - 1) * (this.#m + 1);
  }

  of(node: number, layer: number): Int32Array {
    const first = this.first(node, layer);
    const table = this.table(node, layer);
    return table.subarray(first + 1, first + 1 + table[first]!);
  }

  /** @returns whether there was room, or it is linked already. */
  push(node: number, layer: number, to: number): boolean {
    const first = this.first(node, layer);
    const table = this.table(node, layer);
    const count = table[first]!;
    for (let i = first + 1; i <= first + count; i++) if (table[i] === to) return true;
    if (count === this.limit(layer)) return false;
    table[first + 1 + count] = to;
    table[first] = count + 1;
    return true;
  }

  replace(node: number, layer: number, links: readonly number[]): void {
    const first = this.first(node, layer);
    const table = this.table(node, layer);
    table[first] = links.length;
    table.set(links, first + 1);
  }
}
