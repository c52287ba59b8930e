import { flamegraphPage } from '../perf/flamegraph.ts';
import type { Comparison, StageComparison } from './comparison.ts';
import type { Side } from './side.ts';

/** A page that colours the new side's stacks of a stage by how their share changed. */
export interface FlameDiff {
  readonly stage: string;
  readonly html: () => string;
}

/** Of every stage with stacks on both sides, in the comparison's order. */
export function flameDiffs(base: Side, fresh: Side, { stages }: Comparison): FlameDiff[] {
  return stages.flatMap(({ stage, why }) => {
    const [before, now] = [base, fresh].map((side) => side.stages.find((one) => one.stage === stage)?.folded);
    if (!before || !now) return [];
    const facts = [
      why,
      `${fresh.name} compared with ${base.name}: red grew, blue shrank; what is gone has no width here, but stands in the table`,
    ];
    return [{ stage, html: () => flamegraphPage({ title: stage, facts, folded: now, before }) }];
  });
}

/** The stage that one page alone should show: the first that is slower, or else the one that changed most. */
export function mostTelling(diffs: readonly FlameDiff[], { stages }: Comparison): FlameDiff | undefined {
  const size = ({ verdict, figures }: StageComparison): number =>
    (verdict === 'slower' ? 1e6 : 0) + Math.abs(figures.find(({ judged }) => judged)?.change.ratio ?? 0);
  const ordered = stages.toSorted((a, b) => size(b) - size(a));
  return ordered.flatMap(({ stage }) => diffs.filter((diff) => diff.stage === stage))[0];
}
