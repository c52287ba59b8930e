import { UsageError } from '../error.ts';
import type { FunctionChange } from './function-changes.ts';
import { measureStage } from './measure.ts';
import type { Side } from './side.ts';
import { verdictsOf, type Change, type CompareOptions, type Verdict } from './verdict.ts';
import { slowThoughCheap, warningsOf } from './warnings.ts';
import { whyOf } from './why.ts';

/** How one figure of a stage differs. */
export interface FigureChange {
  readonly metric: string;
  /** The one that the verdict goes by. */
  readonly judged: boolean;
  /** Geometric means of the runs that are compared. */
  readonly base: number;
  readonly new: number;
  readonly change: Change;
}

/** A run far from the others of its side, by the modified z-score of its judged figure. It counts all the same. */
export interface Outlier {
  readonly side: 'base' | 'new';
  readonly session: string;
  readonly span: number;
  readonly value: number;
}

export interface StageComparison {
  readonly stage: string;
  readonly verdict: Verdict;
  /** In a sentence: what it rests on, or what it lacks. */
  readonly why: string;
  readonly runs: { readonly base: number; readonly new: number };
  /** Why they are no pairs; null where they are. */
  readonly unpaired: string | null;
  readonly figures: readonly FigureChange[];
  readonly outliers: readonly Outlier[];
  readonly functions: readonly FunctionChange[];
}

export interface CompareWarning {
  /** Stable, kebab-case. */
  readonly code: 'other-setup' | 'other-build' | 'other-hooks' | 'stage-missing' | 'left-out' | 'qps-fell';
  readonly message: string;
}

export interface Comparison {
  /** The worst of the stages: any `slower`, else any `undecided`; `faster` where some are and none is worse. */
  readonly verdict: Verdict;
  readonly base: string;
  readonly new: string;
  readonly margin: number;
  readonly confidence: number;
  readonly seed: number;
  readonly warnings: readonly CompareWarning[];
  readonly stages: readonly StageComparison[];
}

/**
 * Compares two sides, stage by stage. One figure of a stage is judged: CPU time of a request where it is known of both,
 * else QPS; the others are there to be read.
 * @throws {UsageError} no-common-stage.
 */
export function compareSides(base: Side, fresh: Side, options: CompareOptions): Comparison {
  const { margin, confidence = 0.95, seed } = options;
  const news = new Map(fresh.stages.map((stage) => [stage.stage, stage]));
  const common = base.stages.flatMap((stage) => {
    const other = news.get(stage.stage);
    return other === undefined ? [] : [[stage, other] as const];
  });
  if (common.length === 0)
    throw new UsageError(
      'no-common-stage',
      `Expected both sides to have a stage in common, got ${labelsOf(base)} against ${labelsOf(fresh)}`,
    );
  const measured = common.map(([a, b]) => measureStage(a, b, { ...options, stages: common.length }));
  // Holm over all that can be judged; each as what a request costs, so that more is worse everywhere.
  const judged = measured.flatMap(({ cost }, i) => (cost?.interval ? [{ i, cost }] : []));
  const verdicts = new Map(
    verdictsOf(
      judged.map(({ cost }) => cost),
      'more',
      options,
    ).map((verdict, nth) => [judged[nth]!.i, verdict]),
  );
  const stages = measured.map(({ shown, openLoop }, i): StageComparison => {
    const verdict = verdicts.get(i) ?? 'undecided';
    const figure = shown.figures.find(({ judged: isJudged }) => isJudged);
    const paired = shown.unpaired === null;
    return {
      ...shown,
      verdict,
      why: whyOf({ verdict, figure, paired, openLoop, by: options.by, margin, runs: shown.runs }),
    };
  });
  return {
    verdict: worstOf(stages.map(({ verdict }) => verdict)),
    base: base.name,
    new: fresh.name,
    margin,
    confidence,
    seed,
    warnings: [...warningsOf(base, fresh), ...slowThoughCheap(stages, margin)],
    stages,
  };
}

function worstOf(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['slower', 'undecided', 'faster', 'same'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'undecided';
}

function labelsOf({ name, stages }: Side): string {
  const labels = stages.map(({ stage }) => stage);
  const shown = labels.slice(0, 5).join(', ') + (labels.length > 5 ? ', ...' : '');
  return `${shown || 'none'} (${name})`;
}
