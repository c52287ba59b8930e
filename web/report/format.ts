/** `12,346`, `1.23`, `0.0041`: as many digits as a reader compares. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return Math.round(value).toLocaleString('en');
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 12 });
}

/** `1.234 s`, `56.7 ms`, `2 min 05 s`. */
export function time(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(3)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** `12.3 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let left = value;
  for (; Math.abs(left) >= 1024 && unit < units.length - 1; unit++) left /= 1024;
  return `${unit === 0 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}
