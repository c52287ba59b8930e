import { studentQuantile } from './student.ts';

/** @param values not empty. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two middle ones. @param values not empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Sum of squared distances from the mean; 0 for fewer than two values. */
export function squaresAroundMean(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0);
}

/**
 * The interval that holds the true mean with the given confidence, by Student's t (1908); null with fewer than two
 * values, where there is none.
 * @param confidence 0 to 1; 0.95 by default.
 */
export function meanInterval(
  values: readonly number[],
  confidence = 0.95,
): readonly [low: number, high: number] | null {
  const n = values.length;
  if (n < 2) return null;
  const center = mean(values);
  const standardError = Math.sqrt(squaresAroundMean(values) / (n - 1) / n);
  const half = studentQuantile((1 + confidence) / 2, n - 1) * standardError;
  return [center - half, center + half];
}
