import { InvalidArgumentError } from 'commander';

/** Collects a repeatable flag. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** A parser of whole numbers from `min` to `max`. */
export function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}, got "${value}".`);
    return number;
  };
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A length of time in seconds, or with a unit: `30`, `500ms`, `5m`, `1h`. @returns ms. */
export function timeMs(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  const ms = match ? Number(match[1]) * UNITS[(match[2] ?? 's') as keyof typeof UNITS] : 0;
  if (!(ms > 0))
    throw new InvalidArgumentError(
      `Expected a time over 0 in seconds, or like 500ms, 5m, 1h, got "${value}".`,
    );
  return ms;
}
