const BARS = '▁▂▃▄▅▆▇█';

/**
 * A row of bars, one for each of `width` equal parts of the time; a blank where nothing was sampled.
 * @param timesMs ascending.
 * @param range what the lowest and the highest bar stand for.
 */
export function sparkline(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  width: number,
  range: { readonly min: number; readonly max: number },
): string {
  const first = timesMs[0] ?? 0;
  const span = (timesMs.at(-1) ?? 0) - first || 1;
  const sums = Array.from({ length: width }, () => ({ sum: 0, count: 0 }));
  for (const [i, timeMs] of timesMs.entries()) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    const cell = sums[Math.min(width - 1, Math.floor(((timeMs - first) / span) * width))]!;
    cell.sum += value;
    cell.count++;
  }
  return sums
    .map(({ sum, count }) => {
      if (count === 0) return ' ';
      const share = range.max > range.min ? (sum / count - range.min) / (range.max - range.min) : 0;
      return BARS[Math.min(BARS.length - 1, Math.max(0, Math.floor(share * BARS.length)))];
    })
    .join('');
}
