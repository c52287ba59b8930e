/** When a run began, and whose it was. */
interface Started {
  readonly startedMs: number;
}

/** How the runs of a stage stand to each other. */
export type Pairing<Run> =
  | { readonly how: 'pairs'; readonly pairs: readonly (readonly [base: Run, fresh: Run])[] }
  | { readonly how: 'unpaired'; readonly reason: string };

/**
 * Pairs the i-th run with the i-th, where the two ran next to each other: A B A B, or A B B A. Only then has the drift of
 * the machine met both alike, and only then do pairs tell more than two heaps of runs.
 */
export function pairRuns<Run extends Started>(base: readonly Run[], fresh: readonly Run[]): Pairing<Run> {
  if (base.length !== fresh.length)
    return { how: 'unpaired', reason: `${base.length} runs against ${fresh.length}` };
  const inTime = (runs: readonly Run[]): Run[] => runs.toSorted((a, b) => a.startedMs - b.startedMs);
  const pairs = inTime(base).map((run, i) => [run, inTime(fresh)[i]!] as const);
  // Each pair was over before the next one began.
  const isNext = pairs.every((pair, i) => {
    const next = pairs[i + 1];
    return (
      next === undefined ||
      Math.max(pair[0].startedMs, pair[1].startedMs) < Math.min(next[0].startedMs, next[1].startedMs)
    );
  });
  if (!isNext) return { how: 'unpaired', reason: 'the runs of the two sides did not alternate' };
  return { how: 'pairs', pairs };
}
