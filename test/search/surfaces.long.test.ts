import { expect, test } from 'vitest';
import { recordOf, required } from './answers.ts';

const SEEDS = 100;

test.each(required)('both parameters, 100 seeds: %s', { timeout: 600_000 }, async (family) => {
  const record = await recordOf(family, 'both', SEEDS);
  expect(record.right).toBeGreaterThanOrEqual(0.95);
  expect(record.medianRuns).toBeLessThanOrEqual(30);
});

// The p99 limit of a late feasible region may lie right on a number of clients: then one of 20 is not within reach.
const single = required.filter((family) => family !== 'late feasible');

test.each(single)('ef alone, 100 seeds: %s', { timeout: 600_000 }, async (family) => {
  const record = await recordOf(family, 'ef', SEEDS);
  expect(record.right).toBeGreaterThanOrEqual(0.95);
  expect(record.medianRuns).toBeLessThanOrEqual(14);
});

test.each(single)('clients alone, 100 seeds: %s', { timeout: 600_000 }, async (family) => {
  const record = await recordOf(family, 'clients', SEEDS);
  expect(record.right).toBeGreaterThanOrEqual(0.95);
  expect(record.medianRuns).toBeLessThanOrEqual(14);
});
