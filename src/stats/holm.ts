/**
 * P-values that may be compared with one level however many there are: Holm 1979, "A Simple Sequentially Rejective
 * Multiple Test Procedure". The chance of any false alarm among all stays below that level.
 * @param values from 0 to 1. @returns in the same order.
 */
export function holmAdjusted(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const adjusted = Array<number>(values.length);
  let least = 0;
  for (const [rank, { value, index }] of order.entries()) {
    least = Math.max(least, Math.min(1, value * (values.length - rank)));
    adjusted[index] = least;
  }
  return adjusted;
}
