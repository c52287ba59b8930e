import { UsageError } from '../error.ts';
import { mean } from '../stats/mean.ts';
import { outliersOf } from '../stats/outliers.ts';
import { differencesOf, isOtherSetup, mergeFacts, type FactDifference, type Facts } from './facts.ts';
import { functionChanges, type FunctionChange } from './function-changes.ts';
import { cpuMetrics, inShownOrder, metricOf, rateMetrics } from './metric.ts';
import { pairRuns, type Pairing } from './pairing.ts';
import type { Run, Side, SideStage } from './side.ts';
import {
  changeOf,
  inverted,
  unpairedChangeOf,
  verdictsOf,
  type Change,
  type CompareOptions,
  type Verdict,
} from './verdict.ts';
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
  readonly code: 'other-setup' | 'other-build' | 'other-hooks' | 'stage-missing' | 'left-out';
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

const FUNCTIONS_LISTED = 10;

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
  const measured = common.map(([a, b]) => measure(a, b, { ...options, stages: common.length }));
  // Holm over all that can be judged; each as what a request costs, so that more is worse everywhere.
  const judged = measured.flatMap(({ cost }, i) => (cost?.interval ? [{ i, cost }] : []));
  const verdicts = new Map(
    verdictsOf(
      judged.map(({ cost }) => cost),
      'more',
      options,
    ).map((verdict, nth) => [judged[nth]!.i, verdict]),
  );
  const stages = measured.map(({ cost: _, openLoop, ...stage }, i): StageComparison => {
    const verdict = verdicts.get(i) ?? 'undecided';
    const figure = stage.figures.find(({ judged: isJudged }) => isJudged);
    const paired = stage.unpaired === null;
    return { ...stage, verdict, why: whyOf({ verdict, figure, paired, openLoop, margin, runs: stage.runs }) };
  });
  return {
    verdict: worstOf(stages.map(({ verdict }) => verdict)),
    base: base.name,
    new: fresh.name,
    margin,
    confidence,
    seed,
    warnings: warningsOf(base, fresh),
    stages,
  };
}

/** All that one stage is judged and shown by. */
interface Measured extends Omit<StageComparison, 'verdict' | 'why'> {
  /** Of the judged figure, as a cost: more is worse. */
  readonly cost: Change | undefined;
  readonly openLoop: boolean;
}

function measure(a: SideStage, b: SideStage, options: CompareOptions): Measured {
  const [base, fresh] = [a.runs.filter(hasFigures), b.runs.filter(hasFigures)];
  // Where a run of a pair failed, its partner goes too: a pair is next to each other, or none.
  const whole = pairRuns(a.runs, b.runs);
  const pairing = whole.how === 'pairs' ? whole : pairRuns(base, fresh);
  const openLoop = [...base, ...fresh].some((run) => run.openLoop);
  const names = new Set([...base, ...fresh].flatMap(({ figures }) => Object.keys(figures)));
  const cpu = preferred(cpuMetrics, base, fresh);
  const rate = preferred(rateMetrics, base, fresh);
  names.delete(cpu.other);
  names.delete(rate.other);
  // CPU time that only few runs have would leave most of what was measured unused.
  const isCpuKnown = cpu.runs > 0 && (openLoop || 2 * cpu.runs >= rate.runs);
  const judged = isCpuKnown ? cpu.chosen : rate.runs > 0 && !openLoop ? rate.chosen : undefined;
  const figures = inShownOrder(names).flatMap((metric) => {
    const found = figureOf(metric, pairing, base, fresh, options);
    return found === undefined ? [] : [{ ...found, judged: metric === judged }];
  });
  const figure = figures.find(({ judged: isJudged }) => isJudged);
  const cpuFigure = figures.find(({ metric }) => metric === cpu.chosen);
  return {
    stage: a.stage,
    runs: { base: base.length, new: fresh.length },
    unpaired: pairing.how === 'pairs' ? null : pairing.reason,
    figures: figures.toSorted((x, y) => Number(y.judged) - Number(x.judged)),
    outliers:
      judged === undefined ? [] : [...outliers('base', base, judged), ...outliers('new', fresh, judged)],
    functions: functionChanges(
      a.folded,
      b.folded,
      cpuFigure ? [cpuFigure.base, cpuFigure.new] : null,
      FUNCTIONS_LISTED,
    ),
    cost: figure && (metricOf(figure.metric).better === 'less' ? figure.change : inverted(figure.change)),
    openLoop,
  };
}

function hasFigures({ figures }: Run): boolean {
  return Object.keys(figures).length > 0;
}

interface Preferred {
  readonly chosen: string;
  /** The one that it makes needless. */
  readonly other: string;
  /** That have it, of the side that has fewer. */
  readonly runs: number;
}

/** Of two figures for one thing the one that more runs of both sides have, the first of equals. */
function preferred(
  metrics: readonly [string, string],
  base: readonly Run[],
  fresh: readonly Run[],
): Preferred {
  const [first, second] = metrics.map((name) => {
    const count = (runs: readonly Run[]): number => runs.filter(({ figures }) => figures[name]).length;
    return Math.min(count(base), count(fresh));
  }) as [number, number];
  return first >= second
    ? { chosen: metrics[0], other: metrics[1], runs: first }
    : { chosen: metrics[1], other: metrics[0], runs: second };
}

/** Undefined where a side does not have it at all. */
function figureOf(
  metric: string,
  pairing: Pairing<Run>,
  base: readonly Run[],
  fresh: readonly Run[],
  options: CompareOptions,
): Omit<FigureChange, 'judged'> | undefined {
  if (pairing.how === 'pairs') {
    const pairs = pairing.pairs.flatMap(([a, b]) => {
      const [before, now] = [a.figures[metric], b.figures[metric]];
      return before === undefined || now === undefined ? [] : [{ base: before, fresh: now }];
    });
    if (pairs.length === 0) return undefined;
    return {
      metric,
      base: geometricMean(pairs.map((pair) => pair.base)),
      new: geometricMean(pairs.map((pair) => pair.fresh)),
      change: changeOf(pairs, options),
    };
  }
  const [before, now] = [base, fresh].map((runs) => runs.flatMap(({ figures }) => figures[metric] ?? [])) as [
    number[],
    number[],
  ];
  if (before.length === 0 || now.length === 0) return undefined;
  return {
    metric,
    base: geometricMean(before),
    new: geometricMean(now),
    change: unpairedChangeOf(before, now, options),
  };
}

/** What ratios of pairs lead from and to. */
function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

function outliers(side: Outlier['side'], runs: readonly Run[], metric: string): Outlier[] {
  const known = runs.filter(({ figures }) => figures[metric] !== undefined);
  const values = known.map(({ figures }) => figures[metric]!);
  return outliersOf(values).map((i) => {
    const { session, span } = known[i]!;
    return { side, session, span, value: values[i]! };
  });
}

function worstOf(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['slower', 'undecided', 'faster', 'same'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'undecided';
}

function warningsOf(base: Side, fresh: Side): CompareWarning[] {
  const warnings: CompareWarning[] = [];
  for (const difference of setupDifferences(base, fresh))
    warnings.push({
      code: isOtherSetup(difference) ? 'other-setup' : 'other-build',
      message: differenceText(difference),
    });
  for (const [from, in_] of [
    [base, fresh],
    [fresh, base],
  ] as const)
    for (const { stage } of from.stages)
      if (!in_.stages.some((other) => other.stage === stage))
        warnings.push({
          code: 'stage-missing',
          message: `${stage} is in ${from.name} only: it is not compared`,
        });
  for (const stage of base.stages) {
    const other = fresh.stages.find(({ stage: label }) => label === stage.stage);
    if (other && stage.hooks.join() !== other.hooks.join())
      warnings.push({
        code: 'other-hooks',
        message: `${stage.stage}: profiled by ${stage.hooks.join(', ') || 'nothing'} against ${other.hooks.join(', ') || 'nothing'}: what profiling costs is in the difference`,
      });
  }
  for (const { notes } of [base, fresh])
    for (const message of notes) warnings.push({ code: 'left-out', message });
  return warnings;
}

/** In how far host, servers and configuration of what is compared are not the same. */
export function setupDifferences(base: Side, fresh: Side): FactDifference[] {
  const shared = (side: Side, other: Side): Facts =>
    mergeFacts(
      side.stages
        .filter(({ stage }) => other.stages.some(({ stage: label }) => label === stage))
        .map(({ facts }) => facts),
    );
  return [
    ...differencesOf(base.facts, fresh.facts),
    ...differencesOf(shared(base, fresh), shared(fresh, base)),
  ];
}

/** `host.kernel differs: 6.1.0 against 6.12.0`. */
export function differenceText({ name, base, new: fresh }: FactDifference): string {
  return `${name} differs: ${base} against ${fresh}`;
}

function labelsOf({ name, stages }: Side): string {
  const labels = stages.map(({ stage }) => stage);
  const shown = labels.slice(0, 5).join(', ') + (labels.length > 5 ? ', ...' : '');
  return `${shown || 'none'} (${name})`;
}
