import { mean } from '../stats/mean.ts';
import { outliersOf } from '../stats/outliers.ts';
import type { FigureChange, Outlier, StageComparison } from './comparison.ts';
import { functionChanges } from './function-changes.ts';
import { cpuMetrics, inShownOrder, metricOf, rateMetrics } from './metric.ts';
import { pairRuns, type Pairing } from './pairing.ts';
import type { Run, SideStage } from './side.ts';
import { changeOf, inverted, unpairedChangeOf, type Change, type CompareOptions } from './verdict.ts';

const FUNCTIONS_LISTED = 10;

/** All that one stage is judged and shown by. */
export interface Measured {
  readonly shown: Omit<StageComparison, 'verdict' | 'why'>;
  /** Of the judged figure, as a cost: more is worse. */
  readonly cost: Change | undefined;
  readonly openLoop: boolean;
}

/** What is known of a stage of both sides, before verdicts are found over all stages together. */
export function measureStage(a: SideStage, b: SideStage, options: CompareOptions): Measured {
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
  const judged = judgedBy(options.by, cpu, openLoop ? undefined : rate);
  const figures = inShownOrder(names).flatMap((metric) => {
    const found = figureOf(metric, pairing, base, fresh, options);
    return found === undefined ? [] : [{ ...found, judged: metric === judged }];
  });
  const figure = figures.find(({ judged: isJudged }) => isJudged);
  const cpuFigure = figures.find(({ metric }) => metric === cpu.chosen);
  return {
    shown: {
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
    },
    cost: figure && (metricOf(figure.metric).better === 'less' ? figure.change : inverted(figure.change)),
    openLoop,
  };
}

function hasFigures({ figures }: Run): boolean {
  return Object.keys(figures).length > 0;
}

/** The figure that the verdict goes by; undefined where there is none. */
function judgedBy(by: CompareOptions['by'], cpu: Preferred, rate: Preferred | undefined): string | undefined {
  const known = (of: Preferred | undefined): string | undefined =>
    of && of.runs > 0 ? of.chosen : undefined;
  if (by === 'cpu') return known(cpu);
  if (by === 'qps') return known(rate);
  // CPU time that only few runs have would leave most of what was measured unused.
  return (2 * cpu.runs >= (rate?.runs ?? 0) ? known(cpu) : undefined) ?? known(rate);
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
