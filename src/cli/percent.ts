import { InvalidArgumentError } from 'commander';

/** A parser of percentages, `2` or `2%`, from `min` to `max`. @returns a share: 0.02. */
export function percentage(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value.replace(/\s*%$/, ''));
    if (!/^\d+(?:\.\d+)?\s*%?$/.test(value) || number < min || number > max)
      throw new InvalidArgumentError(
        `Expected a percentage from ${min} to ${max}, like ${Math.max(min, 2)}%, got "${value}".`,
      );
    return number / 100;
  };
}
