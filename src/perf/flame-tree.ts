/** A profile as the page carries it: small, since a name stands once and a frame is three numbers. */
export interface FlameTree {
  readonly names: readonly string[];
  /** Frames before their callees: name, depth from 0, weight of its own; flat. */
  readonly frames: readonly number[];
  /** Sum of all weights. */
  readonly total: number;
  /** The profile that this one is compared with: the weights of its own of the same frames, in their order. */
  readonly before?: { readonly own: readonly number[]; readonly total: number };
}

interface Node {
  readonly name: number;
  own: number;
  total: number;
  ownBefore: number;
  totalBefore: number;
  readonly children: Map<number, Node>;
}

/**
 * Merges folded stacks, `a;b;c 42` a line, into one tree; heavier callees first. Lines that are no stacks are left out.
 * @param before another profile: then frames that only it has are there too, without weight.
 */
export function buildFlameTree(folded: string, before?: string): FlameTree {
  const ids = new Map<string, number>();
  const root = newNode(-1);
  for (const { stack, weight } of stacksIn(folded)) {
    root.total += weight;
    let node = root;
    for (const name of stack) (node = calleeOf(node, name, ids)).total += weight;
    node.own += weight;
  }
  for (const { stack, weight } of stacksIn(before ?? '')) {
    root.totalBefore += weight;
    let node = root;
    for (const name of stack) (node = calleeOf(node, name, ids)).totalBefore += weight;
    node.ownBefore += weight;
  }
  const frames: number[] = [];
  const own: number[] = [];
  // A stack of our own: call graphs out of files may be deeper than ours.
  const waiting = heaviestLast(root).map((node) => ({ node, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, depth } = next;
    frames.push(node.name, depth, node.own);
    own.push(node.ownBefore);
    for (const child of heaviestLast(node)) waiting.push({ node: child, depth: depth + 1 });
  }
  const names = [...ids.keys()];
  const { total, totalBefore } = root;
  return { names, frames, total, ...(before !== undefined && { before: { own, total: totalBefore } }) };
}

/** The stacks of folded text, outermost frame first. */
export function* stacksIn(folded: string): Iterable<{ readonly stack: string[]; readonly weight: number }> {
  for (const line of folded.split('\n')) {
    const blank = line.lastIndexOf(' ');
    const weight = Number(line.slice(blank + 1));
    if (blank > 0 && weight > 0) yield { stack: line.slice(0, blank).split(';'), weight };
  }
}

function newNode(name: number): Node {
  return { name, own: 0, total: 0, ownBefore: 0, totalBefore: 0, children: new Map() };
}

function calleeOf(node: Node, name: string, ids: Map<string, number>): Node {
  const id = ids.get(name) ?? ids.size;
  if (id === ids.size) ids.set(name, id);
  let child = node.children.get(id);
  if (child === undefined) node.children.set(id, (child = newNode(id)));
  return child;
}

function heaviestLast(node: Node): Node[] {
  return [...node.children.values()].sort((a, b) => a.total - b.total || a.totalBefore - b.totalBefore);
}
