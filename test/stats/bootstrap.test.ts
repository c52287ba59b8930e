import { expect, test } from 'vitest';
import { BcaMean } from '../../src/stats/bootstrap.ts';
import { holmAdjusted } from '../../src/stats/holm.ts';
import { normalCdf, normalQuantile } from '../../src/stats/normal.ts';
import { medianDistance, outliersOf } from '../../src/stats/outliers.ts';
import { Random } from '../../src/stats/random.ts';

test.each([
  [0.975, 1.959964],
  [0.5, 0],
  [0.05, -1.644854],
  [0.0001, -3.719016],
])('the normal quantile of %d is %d', (p, z) => {
  expect(normalQuantile(p)).toBeCloseTo(z, 5);
  expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 6);
});

test('the same seed gives the same interval', () => {
  const values = [1, 4, 2, 8, 5, 7, 1, 3, 9, 6];
  expect(new BcaMean(values, { seed: 7 }).interval(0.95)).toEqual(
    new BcaMean(values, { seed: 7 }).interval(0.95),
  );
});

test('an interval of skewed values leans to their long side', () => {
  const random = new Random(1);
  const values = Array.from({ length: 40 }, () =>
    Math.exp(2 * normalQuantile((random.next() + 0.5) / 2 ** 32)),
  );
  const center = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [low, high] = new BcaMean(values, { seed: 1 }).interval(0.95);
  expect(high - center).toBeGreaterThan(1.3 * (center - low));
});

test('the p-value of a bound is the tail that it was made with', () => {
  const random = new Random(3);
  const values = Array.from({ length: 30 }, () => random.unit() ** 2);
  const bootstrap = new BcaMean(values, { seed: 5, draws: 20_000 });
  expect(bootstrap.pAbove(bootstrap.interval(0.95)[0])).toBeCloseTo(0.025, 2);
  expect(bootstrap.pAbove(-1)).toBe(1 / 20_000);
  expect(bootstrap.pAbove(2)).toBeGreaterThan(0.99);
});

test('equal values are an interval of no width', () => {
  expect(new BcaMean([2, 2, 2], { seed: 1 }).interval(0.95)).toEqual([2, 2]);
});

test("Holm's values are those of his procedure, in the order given", () => {
  // 0.01 x 4, 0.015 x 3, 0.03 x 2, 0.04 x 1, never falling.
  expect(holmAdjusted([0.03, 0.01, 0.04, 0.015])).toEqual([0.06, 0.04, 0.06, 0.045]);
  expect(holmAdjusted([])).toEqual([]);
  expect(holmAdjusted([0.9, 0.9])).toEqual([1, 1]);
});

test('an outlier is found by its distance from the median, also among equal values', () => {
  expect(outliersOf([10, 11, 9, 10, 10.5, 30])).toEqual([5]);
  expect(outliersOf([10, 10, 10, 10, 10, 10.2])).toEqual([5]);
  expect(outliersOf([10, 11, 9, 10])).toEqual([]);
  expect(outliersOf([5, 5, 5, 5, 5])).toEqual([]);
  expect(medianDistance([1, 2, 3, 4, 100])).toBe(1);
});
