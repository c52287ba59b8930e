import { expect, test } from 'vitest';
import { inverted, unpairedChangeOf, verdictsOf } from '../../src/compare/verdict.ts';
import { Random } from '../../src/stats/random.ts';
import { normal } from './simulated.ts';

const DRAWS = 2_000;
const options = { margin: 0.02, seed: 1 };

/** Runs of one side, with that noise. */
function runs(random: Random, count: number, center: number, noise: number): number[] {
  return Array.from({ length: count }, () => center * Math.exp(noise * normal(random)));
}

function share(is: (random: Random) => boolean, draws = DRAWS): number {
  const random = new Random(2026);
  let times = 0;
  for (let i = 0; i < draws; i++) if (is(random)) times++;
  return times / draws;
}

test.each([
  ['as many runs', 5, 5, 0.05, 0.05],
  ['more runs of the noisier side', 5, 12, 0.02, 0.1],
  ['more runs of the calmer side', 12, 5, 0.02, 0.1],
])(
  'intervals of runs that are no pairs hold the truth in 93 to 97 of a hundred: %s',
  (_, a, b, noiseA, noiseB) => {
    const held = share((random) => {
      const { interval } = unpairedChangeOf(
        runs(random, a, 100, noiseA),
        runs(random, b, 105, noiseB),
        options,
      );
      return interval![0] <= 0.05 && 0.05 <= interval![1];
    });
    expect(held).toBeGreaterThanOrEqual(0.93);
    expect(held).toBeLessThanOrEqual(0.97);
  },
);

test.each([
  // Nominally 5 % exactly: 2,000 draws leave it half a percent to either side.
  ['without a margin in its share', 0, 0.06],
  ['with the usual margin in at most one of 20', 0.02, 0.05],
])('equal sides are called different %s', (_, margin, most) => {
  const wrong = share((random) => {
    const change = unpairedChangeOf(runs(random, 4, 1, 0.05), runs(random, 6, 1, 0.05), { margin, seed: 1 });
    const [verdict] = verdictsOf([change], 'more', { margin, seed: 1 });
    return verdict === 'slower' || verdict === 'faster';
  });
  expect(wrong, `${wrong}`).toBeLessThanOrEqual(most);
});

test('a change without any noise is known exactly', () => {
  const change = unpairedChangeOf([10, 10], [11, 11, 11], options);
  expect(change.interval![0]).toBeCloseTo(0.1);
  expect(change.interval![1]).toBeCloseTo(0.1);
  expect(verdictsOf([change], 'more', options)).toEqual(['slower']);
});

test('one run of a side says nothing', () => {
  expect(unpairedChangeOf([10], [20, 21, 22], options)).toMatchObject({
    interval: null,
    method: 'none',
    pairs: 1,
  });
});

test('as many runs as it says most likely show "same", at 5 % noise some 200', () => {
  const random = new Random(5);
  // Of many runs, so that the noise itself is known.
  const { pairsForSame } = unpairedChangeOf(
    runs(random, 5_000, 1, 0.05),
    runs(random, 5_000, 1, 0.05),
    options,
  );
  expect(pairsForSame).toBeGreaterThan(180);
  expect(pairsForSame).toBeLessThan(220);
  const same = share((draw) => {
    const change = unpairedChangeOf(
      runs(draw, pairsForSame!, 1, 0.05),
      runs(draw, pairsForSame!, 1, 0.05),
      options,
    );
    return verdictsOf([change], 'more', options)[0] === 'same';
  }, 300);
  expect(same).toBeGreaterThan(0.9);
});

test('the cost of a request is the inverse of requests a second', () => {
  const qps = unpairedChangeOf([100, 101, 99], [80, 81, 79], options);
  const cost = unpairedChangeOf(
    [100, 101, 99].map((value) => 1 / value),
    [80, 81, 79].map((value) => 1 / value),
    options,
  );
  const back = inverted(qps);
  expect(back.ratio).toBeCloseTo(cost.ratio);
  expect(back.pMore).toBeCloseTo(cost.pMore);
  expect(back.interval![0]).toBeCloseTo(cost.interval![0]);
  expect(back.interval![1]).toBeCloseTo(cost.interval![1]);
});
