import { expect, test } from 'vitest';
import { meanInterval, median } from '../../src/stats/mean.ts';
import { normalCdf } from '../../src/stats/normal.ts';
import { studentCdf, studentQuantile } from '../../src/stats/student.ts';

test("Student's quantiles are those of the tables", () => {
  // Abramowitz and Stegun (1964), table 26.10.
  const table: [p: number, degrees: number, t: number][] = [
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.95, 2, 2.92],
    [0.975, 5, 2.571],
    [0.995, 10, 3.169],
    [0.9995, 3, 12.924],
    [0.975, 120, 1.98],
    [0.025, 8, -2.306],
  ];
  for (const [p, degrees, t] of table) expect(studentQuantile(p, degrees)).toBeCloseTo(t, 2);
  expect(studentQuantile(0.5, 4)).toBe(0);
});

test('one degree of freedom is the Cauchy distribution, and many are the normal one', () => {
  for (const t of [-40, -3, -0.2, 0, 0.7, 2, 15])
    expect(studentCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 12);
  for (const z of [-3, -1, 0, 0.5, 2.5]) expect(studentCdf(z, 1e7)).toBeCloseTo(normalCdf(z), 6);
});

test('the normal distribution function is that of the tables', () => {
  // Abramowitz and Stegun (1964), table 26.1.
  expect(normalCdf(0)).toBeCloseTo(0.5, 7);
  expect(normalCdf(1)).toBeCloseTo(0.8413447461, 6);
  expect(normalCdf(-1.96)).toBeCloseTo(0.0249978951, 7);
  expect(normalCdf(4) + normalCdf(-4)).toBeCloseTo(1, 12);
  expect(normalCdf(-40)).toBeGreaterThanOrEqual(0);
});

test('the interval of a mean is that of a worked example', () => {
  // Of 9, 10, 11: mean 10, standard error 1/sqrt(3), t(0.975, 2) = 4.3027.
  const [low, high] = meanInterval([9, 10, 11])!;
  expect(low).toBeCloseTo(10 - 4.3027 / Math.sqrt(3), 3);
  expect(high).toBeCloseTo(10 + 4.3027 / Math.sqrt(3), 3);
  expect(meanInterval([3])).toBeNull();
  expect(meanInterval([3, 3])).toEqual([3, 3]);
});

test('the median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3])).toBe(3);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
