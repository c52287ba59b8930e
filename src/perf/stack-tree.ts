const initialNodes = 1 << 13;

/** Beyond it, deeper frames are left out: 20 bytes a node bound the memory of a hostile or endless recording. */
const defaultMaximum = 4_000_000;

/** Call stacks as paths from the root: each node is a parent and a frame. Node 0 is the root of all. */
export class StackTree {
  readonly #maximum: number;
  #parents = new Int32Array(initialNodes);
  #frames = new Int32Array(initialNodes).fill(-1, 0, 1);
  #slots = new Int32Array(initialNodes * 2);
  #size = 1;
  /** Frames that were left out, since the tree is full. */
  truncated = 0;

  constructor(maximum = defaultMaximum) {
    this.#maximum = maximum;
  }

  get size(): number {
    return this.#size;
  }

  /** The node of `frame` called from `parent`. @param frame any number from 0. */
  child(parent: number, frame: number): number {
    const mask = this.#slots.length - 1;
    let slot = slotOf(parent, frame) & mask;
    for (;;) {
      const node = this.#slots[slot] as number;
      if (node === 0) return this.#add(parent, frame, slot);
      if (this.#parents[node] === parent && this.#frames[node] === frame) return node;
      slot = (slot + 1) & mask;
    }
  }

  /** The frames of a node, root first. */
  path(node: number): number[] {
    const frames: number[] = [];
    for (let at = node; at !== 0; at = this.#parents[at] as number) frames.push(this.#frames[at] as number);
    return frames.reverse();
  }

  #add(parent: number, frame: number, slot: number): number {
    if (this.#size >= this.#maximum) {
      this.truncated++;
      return parent;
    }
    const node = this.#size++;
    if (node >= this.#parents.length) {
      this.#parents = doubled(this.#parents);
      this.#frames = doubled(this.#frames);
    }
    this.#parents[node] = parent;
    this.#frames[node] = frame;
    this.#slots[slot] = node;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return node;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let node = 1; node < this.#size; node++) {
      let slot = slotOf(this.#parents[node] as number, this.#frames[node] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = node;
    }
    this.#slots = slots;
  }
}

function slotOf(parent: number, frame: number): number {
  // Multiplicative hashing; the constants are those of MurmurHash3's finaliser (Appleby).
  const mixed = Math.imul(parent, 0x85ebca6b) ^ Math.imul(frame, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}
