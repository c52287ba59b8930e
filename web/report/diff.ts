import type { PageProfile } from '../../src/report/page-data.ts';
import { changeColor, unpack, type FlameData } from '../../src/perf/flame-profile.ts';

/** A frame of two profiles laid over each other. Weights are made comparable first: see `Scale`. */
export interface DiffFrame extends FlameData {
  /** Its weight before and after, in the unit of the comparison. */
  readonly before: number;
  readonly after: number;
  readonly c: DiffFrame[];
}

/** What makes two profiles comparable: each weight times this. */
export interface Scale {
  readonly unit: string;
  readonly before: number;
  readonly after: number;
}

/**
 * CPU per request where it is known of both, since the faster of two runs has more samples for the same code; else
 * shares of each profile.
 */
export function scaleOf(
  before: { readonly profile: PageProfile; readonly cpuUsPerCommand?: number },
  after: { readonly profile: PageProfile; readonly cpuUsPerCommand?: number },
): Scale {
  const [a, b] = [before.cpuUsPerCommand, after.cpuUsPerCommand];
  if (a !== undefined && b !== undefined && before.profile.unit === 'samples')
    return {
      unit: 'ns of CPU per request',
      before: (a * 1000) / before.profile.total,
      after: (b * 1000) / after.profile.total,
    };
  return { unit: '% of the profile', before: 100 / before.profile.total, after: 100 / after.profile.total };
}

/** Both trees as one; widths are those of `side`, colours the change. Frames match by their names along the stack. */
export function diffTree(
  before: PageProfile,
  after: PageProfile,
  scale: Scale,
  side: 'before' | 'after',
): DiffFrame {
  const a = unpack({ title: '', facts: [], ...before });
  const b = unpack({ title: '', facts: [], ...after });
  const most = Math.max(1e-9, largestChange(a, b, scale));
  return merge(a, b, 0);

  function merge(left: FlameData | undefined, right: FlameData | undefined, depth: number): DiffFrame {
    const was = (left?.v ?? 0) * scale.before;
    const is = (right?.v ?? 0) * scale.after;
    const names = new Map<string, [FlameData | undefined, FlameData | undefined]>();
    for (const child of left?.c ?? []) names.set(child.n, [child, undefined]);
    for (const child of right?.c ?? []) names.set(child.n, [names.get(child.n)?.[0], child]);
    const c = [...names.values()].map(([l, r]) => merge(l, r, depth + 1));
    const one = (right ?? left) as FlameData;
    return {
      n: one.n,
      v: side === 'after' ? is : was,
      own: (one.own ?? 0) * (right ? scale.after : scale.before),
      kind: one.kind,
      before: was,
      after: is,
      color: depth === 0 ? '#b8c0cc' : changeColor((is - was) / most),
      c: c.filter((child) => child.v > 0),
    };
  }
}

function largestChange(a: FlameData, b: FlameData, scale: Scale): number {
  const [left, right] = [functionWeights(a), functionWeights(b)];
  let most = 0;
  for (const name of new Set([...left.keys(), ...right.keys()]))
    most = Math.max(
      most,
      Math.abs((right.get(name)?.own ?? 0) * scale.after - (left.get(name)?.own ?? 0) * scale.before),
    );
  return most;
}

interface Weights {
  own: number;
  total: number;
}

/** By function: own weight, and weight anywhere on the stack, once a stack. Thread pools are no functions. */
function functionWeights(root: FlameData): Map<string, Weights> {
  const weights = new Map<string, Weights>();
  const visit = (node: FlameData, above: ReadonlySet<string>): void => {
    const entry = weights.get(node.n) ?? { own: 0, total: 0 };
    weights.set(node.n, entry);
    entry.own += node.own;
    if (!above.has(node.n)) entry.total += node.v;
    const path = above.has(node.n) ? above : new Set([...above, node.n]);
    for (const child of node.c) visit(child, path);
  };
  for (const pool of root.c) for (const node of pool.c) visit(node, new Set());
  return weights;
}

export interface FunctionChange {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** Functions by how much their own weight changed, most first. */
export function functionChanges(before: PageProfile, after: PageProfile, scale: Scale): FunctionChange[] {
  const left = functionWeights(unpack({ title: '', facts: [], ...before }));
  const right = functionWeights(unpack({ title: '', facts: [], ...after }));
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((name) => ({
      name,
      before: (left.get(name)?.own ?? 0) * scale.before,
      after: (right.get(name)?.own ?? 0) * scale.after,
    }))
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}
