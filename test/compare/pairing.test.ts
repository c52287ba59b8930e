import { expect, test } from 'vitest';
import { pairRuns } from '../../src/compare/pairing.ts';

const runsAt = (...times: number[]): { startedMs: number }[] => times.map((startedMs) => ({ startedMs }));

test('runs in turns are pairs, whichever side began each', () => {
  const pairing = pairRuns(runsAt(1, 4, 5), runsAt(2, 3, 6));
  expect(pairing).toEqual({
    how: 'pairs',
    pairs: [
      [{ startedMs: 1 }, { startedMs: 2 }],
      [{ startedMs: 4 }, { startedMs: 3 }],
      [{ startedMs: 5 }, { startedMs: 6 }],
    ],
  });
});

test('sessions that are named out of their order are still paired by time', () => {
  const pairing = pairRuns(runsAt(5, 1), runsAt(2, 6));
  expect(pairing.how === 'pairs' && pairing.pairs.map(([a, b]) => b.startedMs - a.startedMs)).toEqual([1, 1]);
});

test('one side after the other is no pairs: drift met only one of them', () => {
  expect(pairRuns(runsAt(1, 2, 3), runsAt(4, 5, 6))).toEqual({
    how: 'unpaired',
    reason: 'the runs of the two sides did not alternate',
  });
});

test('neither are different numbers of runs', () => {
  expect(pairRuns(runsAt(1, 3), runsAt(2))).toEqual({ how: 'unpaired', reason: '2 runs against 1' });
});
