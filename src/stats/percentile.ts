/**
 * The smallest value that at least the share `p` of the values does not exceed (nearest rank): always one that was
 * measured, never one between two.
 * @param sorted ascending, not empty.
 * @param p 0 < p <= 1.
 */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(sorted.length * p))) - 1]!;
}
