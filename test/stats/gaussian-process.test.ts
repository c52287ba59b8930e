import { expect, test } from 'vitest';
import { GaussianProcess } from '../../src/stats/gaussian-process.ts';
import { MixedProcess } from '../../src/stats/mixed-process.ts';

const kernel = { length: 1, amplitude: 1, height: 3, slope: 0.5, noise: 1 };
const seen = [0, 1, 2, 3, 4].map((x) => ({ x: [x], y: Math.sin(x), variance: 1e-6 }));

test('a surface goes through what was seen, and doubts what lies far from it', () => {
  const process = new GaussianProcess(seen, kernel);
  for (const { x, y } of seen) expect(process.at(x).mean).toBeCloseTo(y, 2);
  expect(process.at([2.5]).mean).toBeCloseTo(Math.sin(2.5), 1);
  expect(process.at([2]).variance).toBeLessThan(process.at([2.5]).variance);
  expect(process.at([2.5]).variance).toBeLessThan(process.at([9]).variance);
});

test('with one observation it is the weighted mean of that and of what was believed', () => {
  // No bends, no slope: height 1 before, one value 2 with variance 1; the level is counted from the observations.
  const flat = { length: 1, amplitude: 0, height: 1, slope: 0, noise: 1 };
  const view = new GaussianProcess([{ x: [0], y: 2, variance: 1 }], flat).at([0]);
  expect(view.mean).toBeCloseTo(2, 6);
  expect(view.variance).toBeCloseTo(0.5, 6);
});

test('the observation that fits worst with the others is the most surprising', () => {
  const odd = seen.map((one, i) => ({ ...one, y: i === 2 ? 3 : one.y, variance: 0.01 }));
  const surprises = new GaussianProcess(odd, kernel).surprises().map(Math.abs);
  expect(surprises.indexOf(Math.max(...surprises))).toBe(2);
});

test('one stalled run does not bend the surface', () => {
  const level = Array.from({ length: 9 }, (_, i) => ({ x: [i / 4], y: i === 4 ? -0.36 : 0, variance: 9e-4 }));
  const smooth = new MixedProcess(level, [{ ...kernel, length: 3, amplitude: 0.3, prior: 1 }]);
  expect(smooth.at([1]).mean).toBeGreaterThan(-0.05);
  expect(smooth.at([1]).below(-0.36)).toBeLessThan(0.01);
});
