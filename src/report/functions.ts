/** One function of a profile. */
export interface FunctionShare {
  readonly name: string;
  /** Weight while it ran itself: samples, or µs off the CPU. */
  readonly self: number;
  /** Weight while it was anywhere on the stack. */
  readonly total: number;
}

export interface FunctionTable {
  /** Weight of all stacks. */
  readonly total: number;
  readonly functions: ReadonlyMap<string, FunctionShare>;
}

/**
 * Weights of the functions of folded stacks, `root;caller;callee 42` a line. A function that calls itself counts once
 * a stack. Lines that are no stacks are left out.
 * @param roots leading frames that are no functions: the thread pool.
 */
export function functionsOf(folded: string, roots = 1): FunctionTable {
  const functions = new Map<string, { name: string; self: number; total: number }>();
  let total = 0;
  const seen = new Set<string>();
  for (const line of folded.split('\n')) {
    const blank = line.lastIndexOf(' ');
    const weight = Number(line.slice(blank + 1));
    if (blank <= 0 || !(weight > 0)) continue;
    total += weight;
    const frames = line.slice(0, blank).split(';').slice(roots);
    seen.clear();
    for (const [i, name] of frames.entries()) {
      let share = functions.get(name);
      if (share === undefined) functions.set(name, (share = { name, self: 0, total: 0 }));
      if (i === frames.length - 1) share.self += weight;
      if (seen.has(name)) continue;
      seen.add(name);
      share.total += weight;
    }
  }
  return { total, functions };
}

/** The heaviest, first. */
export function topFunctions(table: FunctionTable, by: 'self' | 'total', count: number): FunctionShare[] {
  return [...table.functions.values()]
    .filter((share) => share[by] > 0)
    .sort((a, b) => b[by] - a[by] || (a.name < b.name ? -1 : 1))
    .slice(0, count);
}
