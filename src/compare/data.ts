import type { Comparison } from './comparison.ts';

/** As `--json` has it: `{ version, verdict, margin, ..., stages: [{ stage, verdict, why, figures, ... }] }`. */
export function comparisonData(comparison: Comparison): Readonly<Record<string, unknown>> {
  const { stages, ...head } = comparison;
  return {
    version: 1,
    ...head,
    stages: stages.map(({ stage, verdict, why, figures, ...rest }) => ({
      stage,
      verdict,
      why,
      ...rest,
      figures: figures.map(({ metric, judged, base, new: fresh, change }) => ({
        metric,
        judged,
        base,
        new: fresh,
        change: change.ratio,
        interval: change.interval,
        pairs: change.pairs,
        method: change.method,
        pairsForSame: change.pairsForSame,
      })),
    })),
  };
}
