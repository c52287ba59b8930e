/** A profile as the page carries it: small, since a name stands once and a frame is three numbers. */
export interface FlameTree {
  readonly names: readonly string[];
  /** Frames before their callees: name, depth from 0, weight of its own; flat. */
  readonly frames: readonly number[];
  /** Sum of all weights. */
  readonly total: number;
}

interface Node {
  readonly name: number;
  own: number;
  total: number;
  readonly children: Map<number, Node>;
}

/** Merges folded stacks, `a;b;c 42` a line, into one tree; heavier callees first. Lines that are no stacks are left out. */
export function buildFlameTree(folded: string): FlameTree {
  const ids = new Map<string, number>();
  const root: Node = { name: -1, own: 0, total: 0, children: new Map() };
  for (const line of folded.split('\n')) {
    const blank = line.lastIndexOf(' ');
    const weight = Number(line.slice(blank + 1));
    if (blank <= 0 || !(weight > 0)) continue;
    let node = root;
    node.total += weight;
    for (const name of line.slice(0, blank).split(';')) {
      const id = ids.get(name) ?? ids.size;
      if (id === ids.size) ids.set(name, id);
      let child = node.children.get(id);
      if (child === undefined)
        node.children.set(id, (child = { name: id, own: 0, total: 0, children: new Map() }));
      child.total += weight;
      node = child;
    }
    node.own += weight;
  }
  const frames: number[] = [];
  // A stack of our own: call graphs out of files may be deeper than ours.
  const waiting = heaviestLast(root).map((node) => ({ node, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, depth } = next;
    frames.push(node.name, depth, node.own);
    for (const child of heaviestLast(node)) waiting.push({ node: child, depth: depth + 1 });
  }
  return { names: [...ids.keys()], frames, total: root.total };
}

function heaviestLast(node: Node): Node[] {
  return [...node.children.values()].sort((a, b) => a.total - b.total);
}
