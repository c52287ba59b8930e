import { median } from './mean.ts';

/** Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers": their cut-off of the modified z-score. */
const CUT_OFF = 3.5;
/** The median distance of a normal distribution is this share of its deviation; the mean distance that one. */
const MEDIAN_SHARE = 0.6745;
const MEAN_SHARE = 0.7979;

/** The median of the distances from the median. @param values not empty. */
export function medianDistance(values: readonly number[]): number {
  const center = median(values);
  return median(values.map((value) => Math.abs(value - center)));
}

/**
 * Indexes of the values that lie far from the others, by the modified z-score. To be shown, never to be dropped in
 * silence. None among fewer than five.
 */
export function outliersOf(values: readonly number[]): number[] {
  if (values.length < 5) return [];
  const center = median(values);
  const distances = values.map((value) => Math.abs(value - center));
  const typical = median(distances);
  // Where over half of the values are equal the median distance is 0: the mean one takes its place, as they advise.
  const unit =
    typical > 0
      ? typical / MEDIAN_SHARE
      : distances.reduce((sum, distance) => sum + distance, 0) / distances.length / MEAN_SHARE;
  if (unit === 0) return [];
  return distances.flatMap((distance, index) => (distance / unit > CUT_OFF ? [index] : []));
}
