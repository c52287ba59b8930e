/** The profile as the page carries it: see FlameTree. */
export interface Profile {
  readonly title: string;
  readonly facts: readonly string[];
  readonly unit: string;
  readonly names: readonly string[];
  readonly frames: readonly number[];
  readonly total: number;
  readonly before?: { readonly own: readonly number[]; readonly total: number };
}

export type FrameKind = 'all' | 'pool' | 'user' | 'kernel' | 'unresolved';

/** One frame; `n`, `v` and `c` are what d3-flame-graph reads. */
export interface FlameData {
  readonly n: string;
  v: number;
  readonly c: FlameData[];
  readonly own: number;
  /** In the profile that this one is compared with. */
  vBefore?: number;
  readonly kind: FrameKind;
  color: string;
}

/** Where user space enters the kernel; all that is called from there is the kernel's. */
const kernelEntry =
  /^(entry_SYSCALL|entry_SYSENTER|asm_(sysvec|exc|common)_|ret_from_fork|el0t?_|__irqentry|\[kernel\]$)/;

const hues: Record<FrameKind, (shade: number) => string> = {
  all: () => '#b8c0cc',
  pool: () => '#7fb2d9',
  user: (shade) => `hsl(${24 + shade * 28} 88% ${66 + shade * 8}%)`,
  kernel: (shade) => `hsl(${345 + shade * 12} 58% ${74 + shade * 6}%)`,
  unresolved: (shade) => `hsl(40 8% ${74 + shade * 8}%)`,
};

/** Builds the tree of frames again: totals are the sums of what frames have of their own. */
export function unpack({ names, frames, total, before }: Profile): FlameData {
  const vBefore = before?.total ?? 0;
  const kind = 'all';
  const root: FlameData = {
    n: 'all',
    v: total,
    c: [],
    own: 0,
    vBefore,
    kind,
    color: hues.all(0),
  };
  const path: FlameData[] = [root];
  for (let at = 0; at < frames.length; at += 3) {
    const [name = 0, depth = 0, own = 0] = frames.slice(at, at + 3);
    path.length = depth + 1;
    const parent = path[depth] ?? root;
    const n = names[name] ?? '';
    const kind = kindOf(n, depth, parent);
    const ownBefore = before?.own[at / 3] ?? 0;
    const color = hues[kind](shadeOf(n));
    const node: FlameData = { n, v: 0, c: [], own, vBefore: 0, kind, color };
    parent.c.push(node);
    path.push(node);
    if (own > 0) for (let up = 1; up < path.length; up++) (path[up] as FlameData).v += own;
    if (ownBefore > 0) for (const open of path.slice(1)) open.vBefore = (open.vBefore ?? 0) + ownBefore;
  }
  if (before !== undefined) colourByChange(root, total, before.total);
  return root;
}

/** Red where a frame's share grew, blue where it shrank; the stronger, the larger among all changes. */
function colourByChange(root: FlameData, total: number, totalBefore: number): void {
  const nodes: FlameData[] = [];
  for (const waiting = [...root.c]; waiting.length > 0;) {
    const node = waiting.pop() as FlameData;
    nodes.push(node);
    waiting.push(...node.c);
  }
  const changes = nodes.map(({ v, vBefore = 0 }) => v / (total || 1) - vBefore / (totalBefore || 1));
  const largest = changes.reduce((most, change) => Math.max(most, Math.abs(change)), 0);
  for (const [index, node] of nodes.entries())
    node.color = changeColor((changes[index] as number) / (largest || 1));
}

/** @param change -1 to 1. */
export function changeColor(change: number): string {
  // By the square root: a change of a hundredth of the largest is still seen.
  const strength = Math.sqrt(Math.abs(change));
  const hue = change > 0 ? 4 : 214;
  return strength < 0.02 ? 'hsl(40 8% 88%)' : `hsl(${hue} ${30 + strength * 50}% ${90 - strength * 30}%)`;
}

export interface FunctionTotals {
  readonly name: string;
  own: number;
  total: number;
  /** In the profile that this one is compared with. */
  totalBefore: number;
}

/** Each function once: on top of the stack, and anywhere in it (counted once where it calls itself). */
export function functionTotals(root: FlameData): FunctionTotals[] {
  const totals = new Map<string, FunctionTotals>();
  const open = new Map<string, number>();
  const waiting: { node: FlameData; leave: boolean }[] = root.c.flatMap(({ c }) =>
    c.map((node) => ({ node, leave: false })),
  );
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, leave } = next;
    const times = open.get(node.n) ?? 0;
    if (leave) {
      open.set(node.n, times - 1);
      continue;
    }
    const entry = totals.get(node.n) ?? { name: node.n, own: 0, total: 0, totalBefore: 0 };
    totals.set(node.n, entry);
    entry.own += node.own;
    if (times === 0) {
      entry.total += node.v;
      entry.totalBefore += node.vBefore ?? 0;
    }
    open.set(node.n, times + 1);
    waiting.push({ node, leave: true }, ...node.c.map((child) => ({ node: child, leave: false })));
  }
  return [...totals.values()].sort((a, b) => b.own - a.own || b.total - a.total);
}

function kindOf(name: string, depth: number, parent: FlameData): FrameKind {
  if (depth === 0) return 'pool';
  if (parent.kind === 'kernel' || kernelEntry.test(name)) return 'kernel';
  return name.startsWith('[') ? 'unresolved' : 'user';
}

/** 0 to 1, the same for a name on every page. */
function shadeOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return ((hash ^ (hash >>> 15)) & 0xff) / 0xff;
}
