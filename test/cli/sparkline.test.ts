import { expect, test } from 'vitest';
import { sparkline } from '../../src/cli/sparkline.ts';

test('low is a low bar, high a high one, and a time without samples a blank', () => {
  expect(sparkline([0, 1, 2, 3], [0, 50, null, 100], 4, { min: 0, max: 100 })).toBe('▁▅ █');
});

test('several samples in one bar are their mean, and equal limits are no division by zero', () => {
  expect(sparkline([0, 1, 2, 3], [0, 100, 100, 100], 2, { min: 0, max: 100 })).toBe('▅█');
  expect(sparkline([5], [5], 1, { min: 5, max: 5 })).toBe('▁');
  expect(sparkline([], [], 2, { min: 0, max: 1 })).toBe('  ');
});
