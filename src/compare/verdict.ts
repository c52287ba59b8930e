import { BcaMean } from '../stats/bootstrap.ts';
import { holmAdjusted } from '../stats/holm.ts';
import { mean, meanInterval, squaresAroundMean } from '../stats/mean.ts';
import { studentCdf, studentQuantile } from '../stats/student.ts';

/** What can be said of a change. */
export type Verdict = 'faster' | 'slower' | 'same' | 'undecided';

/** Figures of the same stage, run in pairs: the base and the new side of one pair ran next to each other. */
export interface Pair {
  /** Both over 0. */
  readonly base: number;
  readonly fresh: number;
}

export interface CompareOptions {
  /** Changes up to this are none, a share: 0.02 for 2 %. */
  readonly margin: number;
  /** 0 to 1; 0.95 by default. */
  readonly confidence?: number;
  /** Of the bootstrap, written down with the result. */
  readonly seed: number;
  /** Judged at once; 1 by default. The bootstrap draws as many samples as Holm's smallest level takes. */
  readonly stages?: number;
  /** What a stage is judged by; CPU time of a request where it is known, else QPS, by default. */
  readonly by?: 'cpu' | 'qps' | undefined;
}

/** How the new side differs from the base. */
export interface Change {
  /** Or runs of the side that has fewer, where they are no pairs. */
  readonly pairs: number;
  /** Of the geometric means, new over base, less 1: 0.05 is 5 % more. */
  readonly ratio: number;
  /** Of `ratio`, with the wanted confidence; null with fewer than two pairs. */
  readonly interval: readonly [low: number, high: number] | null;
  readonly method: 't on log ratios' | 'BCa on log ratios' | 'Welch t on logs' | 'none';
  /** That the true change lies within the margin, or on its better side: small ones speak for worse. */
  readonly pMore: number;
  /** The same of the other direction. */
  readonly pLess: number;
  /**
   * Pairs (or runs a side) needed in all, at this noise, for a change of nothing to be most likely shown as `same`; null where it
   * cannot be told.
   */
  readonly pairsForSame: number | null;
}

/** Under so many pairs Student's t holds better than BCa, which covers 84-90 % at 5 to 10. */
const BOOTSTRAP_FROM = 20;

/** The change of a figure from its pairs, on the log scale: twice as much and half as much are equally far. */
export function changeOf(
  pairs: readonly Pair[],
  { margin, confidence = 0.95, seed, stages = 1 }: CompareOptions,
): Change {
  const logs = pairs.map(({ base, fresh }) => Math.log(fresh / base));
  const n = logs.length;
  const ratio = n === 0 ? 0 : Math.expm1(mean(logs));
  const limit = Math.log1p(margin);
  if (n < 2)
    return { pairs: n, ratio, interval: null, method: 'none', pMore: 1, pLess: 1, pairsForSame: null };
  const bootstrap =
    n >= BOOTSTRAP_FROM && squaresAroundMean(logs) > 0
      ? new BcaMean(logs, { seed, draws: drawsFor(stages, confidence) })
      : undefined;
  const [low, high] = bootstrap?.interval(confidence) ?? meanInterval(logs, confidence)!;
  return {
    pairs: n,
    ratio,
    interval: [Math.expm1(low), Math.expm1(high)],
    method: bootstrap ? 'BCa on log ratios' : 't on log ratios',
    pMore: bootstrap ? bootstrap.pAbove(limit) : pAbove(logs, limit),
    pLess: bootstrap
      ? bootstrap.pBelow(-limit)
      : pAbove(
          logs.map((log) => -log),
          limit,
        ),
    pairsForSame: runsForSame(Math.sqrt(squaresAroundMean(logs) / (n - 1)), limit, (runs) =>
      studentQuantile((1 + confidence) / 2, runs - 1),
    ),
  };
}

/** The p-value of a bootstrap is never below 1 / draws: Holm multiplies it by the stages. */
function drawsFor(stages: number, confidence: number): number {
  return Math.max(5_000, Math.ceil((4 * stages) / (1 - confidence)));
}

/** The change of a figure from runs that are no pairs: Welch's t on their logarithms. All values over 0. */
export function unpairedChangeOf(
  base: readonly number[],
  fresh: readonly number[],
  { margin, confidence = 0.95 }: CompareOptions,
): Change {
  const [a, b] = [base.map(Math.log), fresh.map(Math.log)];
  const fewer = Math.min(a.length, b.length);
  const difference = fewer === 0 ? 0 : mean(b) - mean(a);
  const ratio = Math.expm1(difference);
  const none = { interval: null, method: 'none', pMore: 1, pLess: 1, pairsForSame: null } as const;
  if (fewer < 2) return { pairs: fewer, ratio, ...none };
  const limit = Math.log1p(margin);
  const variances = [a, b].map((logs) => squaresAroundMean(logs) / (logs.length - 1)) as [number, number];
  const [ofA, ofB] = [variances[0] / a.length, variances[1] / b.length];
  const error = Math.sqrt(ofA + ofB);
  // Welch 1947, with Satterthwaite's degrees of freedom; without any noise there is nothing to divide by.
  const freedom =
    error === 0 ? 1 : (ofA + ofB) ** 2 / (ofA ** 2 / (a.length - 1) + ofB ** 2 / (b.length - 1));
  const half = error === 0 ? 0 : studentQuantile((1 + confidence) / 2, freedom) * error;
  const pBeyond = (beyond: number): number =>
    error === 0 ? (beyond > 0 ? 0 : 1) : 1 - studentCdf(beyond / error, freedom);
  return {
    pairs: fewer,
    ratio,
    interval: [Math.expm1(difference - half), Math.expm1(difference + half)],
    method: 'Welch t on logs',
    pMore: pBeyond(difference - limit),
    pLess: pBeyond(-difference - limit),
    pairsForSame: runsForSame(Math.sqrt(variances[0] + variances[1]), limit, (runs) =>
      studentQuantile((1 + confidence) / 2, 2 * (runs - 1)),
    ),
  };
}

/** The same change of what is its inverse: of the cost of a request, where the figure is requests a second. */
export function inverted(change: Change): Change {
  const invert = (ratio: number): number => 1 / (1 + ratio) - 1;
  const { interval, pMore, pLess, ratio } = change;
  return {
    ...change,
    ratio: invert(ratio),
    interval: interval && [invert(interval[1]), invert(interval[0])],
    pMore: pLess,
    pLess: pMore,
  };
}

/**
 * Verdicts of all stages of a comparison at once. `slower` and `faster` mean that the change lies wholly beyond the
 * margin, at a level that Holm's procedure keeps for all stages together; `same` that the interval lies wholly inside
 * it: equivalence is shown, not a difference missed.
 * @param worse which direction of the figure is slower: `more` for CPU per request, `less` for QPS.
 */
export function verdictsOf(
  changes: readonly Change[],
  worse: 'more' | 'less',
  { margin, confidence = 0.95 }: CompareOptions,
): Verdict[] {
  const level = (1 - confidence) / 2;
  const more = holmAdjusted(changes.map(({ pMore }) => pMore));
  const less = holmAdjusted(changes.map(({ pLess }) => pLess));
  return changes.map(({ interval }, i) => {
    if (more[i]! <= level) return worse === 'more' ? 'slower' : 'faster';
    if (less[i]! <= level) return worse === 'less' ? 'slower' : 'faster';
    const [low, high] = interval ?? [-Infinity, Infinity];
    // On the log scale both limits are equally far.
    return low >= 1 / (1 + margin) - 1 && high <= margin ? 'same' : 'undecided';
  });
}

/** Student's one-sided test that the mean is not above the limit. */
function pAbove(values: readonly number[], limit: number): number {
  const n = values.length;
  const error = Math.sqrt(squaresAroundMean(values) / (n - 1) / n);
  const above = mean(values) - limit;
  if (error === 0) return above > 0 ? 0 : 1;
  return 1 - studentCdf(above / error, n - 1);
}

/**
 * The fewest runs that most likely show a change of nothing as `same`: half the width of their interval is half of the
 * margin, so that an interval which lies off by chance, as 19 of 20 do by no more than that, still fits into it.
 * @param deviation of what one run (of each side) adds. @param quantile of Student's t with so many runs.
 */
function runsForSame(deviation: number, limit: number, quantile: (runs: number) => number): number | null {
  if (!(limit > 0)) return null;
  const half = (n: number): number => (quantile(n) * deviation) / Math.sqrt(n);
  let high = 2;
  while (half(high) > limit / 2) {
    high *= 2;
    if (high > 1e7) return null;
  }
  let low = Math.max(2, high / 2);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (half(middle) > limit / 2) low = middle + 1;
    else high = middle;
  }
  return high;
}
