import type { FigureChange } from './comparison.ts';
import { metricOf } from './metric.ts';
import type { Verdict } from './verdict.ts';

interface Judged {
  readonly verdict: Verdict;
  /** Undefined where no figure can be judged. */
  readonly figure: FigureChange | undefined;
  readonly paired: boolean;
  readonly openLoop: boolean;
  readonly by: 'cpu' | 'qps' | undefined;
  readonly margin: number;
  readonly runs: { readonly base: number; readonly new: number };
}

/** What a verdict rests on; of `undecided`, what it lacks and what helps. */
export function whyOf({ verdict, figure, paired, openLoop, by, margin, runs }: Judged): string {
  const unit = paired ? 'pairs' : 'runs a side';
  if (figure === undefined) {
    if (runs.base === 0 || runs.new === 0) return 'a side has no run with figures';
    if (by === 'cpu')
      return 'CPU per request is not known of both sides: profile with --hook server-metrics, or --hook threads';
    if (by === 'qps' && !openLoop) return 'QPS is not known of both sides';
    return openLoop
      ? by === 'qps'
        ? 'requests came on schedule: QPS is what was asked for, and says nothing'
        : 'requests came on schedule, so QPS says nothing, and CPU per request is not known: profile with --hook server-metrics'
      : 'neither CPU per request nor QPS is known of both sides: profile with --hook server-metrics';
  }
  const { title } = metricOf(figure.metric);
  const { interval, pairs, pairsForSame } = figure.change;
  if (interval === null)
    return 'one run a side says nothing of its noise: repeat it (--repeats 5), best in turns with stagewatch ab';
  const within = `${title} ${rangeText(interval)}`;
  const limit = percent(margin);
  if (verdict === 'same') return `${within}: inside the margin of ${limit}`;
  if (verdict !== 'undecided') return `${within}: beyond the margin of ${limit}`;
  const [low, high] = interval;
  const isBeyond = low > margin || high < 1 / (1 + margin) - 1;
  if (isBeyond)
    return `${within}: beyond the margin of ${limit}, but not surely so among so many stages: more ${unit}`;
  const more = pairsForSame === null ? 0 : pairsForSame - pairs;
  return more > 0
    ? `${within} reaches across the margin of ${limit}: for "same" it takes ${more.toLocaleString('en')} more ${unit} at this noise`
    : `${within} reaches across the margin of ${limit}: the change is near it, more ${unit} would tell`;
}

/** `+4.1 % to +6.3 %`. */
export function rangeText([low, high]: readonly [number, number]): string {
  return `${signedPercent(low)} to ${signedPercent(high)}`;
}

export function signedPercent(share: number): string {
  // What is rounded to nothing has no sign.
  const text = digits(Math.abs(share));
  return `${Number(text) === 0 ? '' : share < 0 ? '-' : '+'}${text} %`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function digits(share: number): string {
  const value = 100 * share;
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}
