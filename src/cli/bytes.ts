const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `16 B`, `1.5 KB`, `24.0 MB`: units of 1024, as the servers' own settings count. */
export function bytes(value: number): string {
  let [rest, unit] = [value, 0];
  while (rest >= 1024 && unit < UNITS.length - 1) [rest, unit] = [rest / 1024, unit + 1];
  return `${unit === 0 ? Math.round(rest) : rest.toFixed(1)} ${UNITS[unit]}`;
}
