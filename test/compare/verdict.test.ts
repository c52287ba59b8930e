import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeOf, verdictsOf, type Change, type Verdict } from '../../src/compare/verdict.ts';
import { BcaMean } from '../../src/stats/bootstrap.ts';
import { meanInterval } from '../../src/stats/mean.ts';
import { Random } from '../../src/stats/random.ts';
import { bimodal, normal, pairsOf } from './simulated.ts';

const options = { margin: 0.02, seed: 1 };
const DRAWS = 2_000;

function verdictOf(change: Change): Verdict {
  return verdictsOf([change], 'more', options)[0]!;
}

/** How often something is true of fresh draws. */
function share(is: (random: Random) => boolean, draws = DRAWS): number {
  const random = new Random(2026);
  let times = 0;
  for (let i = 0; i < draws; i++) if (is(random)) times++;
  return times / draws;
}

describe('by simulation', () => {
  test.each([0.02, 0.05, 0.1])(
    'two equal sides with noise %d are called different in at most one of 20',
    (noise) => {
      for (const count of [5, 12, 30]) {
        const wrong = share((random) => {
          const verdict = verdictOf(changeOf(pairsOf(random, count, { ratio: 1, noise }), options));
          return verdict === 'slower' || verdict === 'faster';
        });
        expect(wrong).toBeLessThanOrEqual(0.05);
      }
    },
  );

  test('without a margin, too: then each direction is wrong in its share', () => {
    const wrong = share((random) => {
      const change = changeOf(pairsOf(random, 8, { ratio: 1, noise: 0.05 }), { ...options, margin: 0 });
      return verdictsOf([change], 'more', { ...options, margin: 0 })[0] !== 'undecided';
    });
    expect(wrong).toBeGreaterThan(0.03);
    expect(wrong).toBeLessThanOrEqual(0.06);
  });

  test('a loss of 5 % of QPS at 2 % noise is found from 12 pairs in at least 90 %', () => {
    const found = share((random) => {
      const change = changeOf(pairsOf(random, 12, { ratio: 0.95, noise: 0.02 }), options);
      return verdictsOf([change], 'less', options)[0] === 'slower';
    });
    expect(found).toBeGreaterThanOrEqual(0.9);
  });

  test.each([
    ['normal, 5 runs', 5, normal, 0.05],
    ['normal, 12 runs', 12, normal, 0.1],
    ['normal on the log scale, 40 runs', 40, normal, 0.5],
    ['two humps, 40 runs', 40, bimodal, 0.2],
  ] as const)(
    'intervals of 95 in a hundred hold the truth in 93 to 97: %s',
    (_, count, shape, noise) => {
      const held = share((random) => {
        const { interval } = changeOf(pairsOf(random, count, { ratio: 1.03, noise, shape }), options);
        return interval![0] <= 0.03 && 0.03 <= interval![1];
      });
      expect(held).toBeGreaterThanOrEqual(0.93);
      expect(held).toBeLessThanOrEqual(0.97);
    },
    60_000,
  );

  test('intervals of a mean of runs hold the truth as often', () => {
    const meanOf = (random: Random, count: number, draw: (random: Random) => number): number[] =>
      Array.from({ length: count }, () => draw(random));
    const normalHeld = share((random) => {
      const [low, high] = meanInterval(meanOf(random, 5, (r) => 100 + 5 * normal(r)))!;
      return low <= 100 && 100 <= high;
    });
    const sigma = 0.5;
    const truth = Math.exp((sigma * sigma) / 2);
    const skewedHeld = share((random) => {
      const values = meanOf(random, 40, (r) => Math.exp(sigma * normal(r)));
      const [low, high] = new BcaMean(values, { seed: 1, draws: 2_000 }).interval(0.95);
      return low <= truth && truth <= high;
    });
    for (const held of [normalHeld, skewedHeld]) {
      expect(held).toBeGreaterThanOrEqual(0.93);
      expect(held).toBeLessThanOrEqual(0.97);
    }
  }, 60_000);

  test('over 40 equal stages at once, a false slower comes in at most 5 % of sessions', () => {
    const random = new Random(7);
    let sessions = 0;
    const count = 500;
    const strict = { ...options, margin: 0 };
    for (let i = 0; i < count; i++) {
      const changes = Array.from({ length: 40 }, () =>
        changeOf(pairsOf(random, 8, { ratio: 1, noise: 0.05 }), strict),
      );
      if (verdictsOf(changes, 'more', strict).includes('slower')) sessions++;
    }
    expect(sessions / count).toBeLessThanOrEqual(0.05);
  }, 60_000);
});

test('same is shown, not assumed: a wide interval around nothing is undecided, and says how many pairs it takes', () => {
  const noisy = changeOf(pairsOf(new Random(4), 6, { ratio: 1, noise: 0.05 }), options);
  expect(verdictOf(noisy)).toBe('undecided');
  expect(noisy.pairsForSame).toBeGreaterThan(20);
  const calm = changeOf(pairsOf(new Random(4), 6, { ratio: 1, noise: 0.002 }), options);
  expect(verdictOf(calm)).toBe('same');
  expect(calm.pairsForSame).toBeLessThanOrEqual(6);
});

test('the better direction depends on the figure', () => {
  const change = changeOf(pairsOf(new Random(4), 10, { ratio: 1.3, noise: 0.01 }), options);
  expect(verdictsOf([change], 'more', options)).toEqual(['slower']);
  expect(verdictsOf([change], 'less', options)).toEqual(['faster']);
});

test('one pair says nothing', () => {
  const change = changeOf([{ base: 100, fresh: 200 }], options);
  expect(change).toMatchObject({ pairs: 1, ratio: 1, interval: null, method: 'none' });
  expect(verdictOf(change)).toBe('undecided');
});

test('sides that swap swap the verdict', () => {
  const swapped = { slower: 'faster', faster: 'slower', same: 'same', undecided: 'undecided' } as const;
  fc.assert(
    fc.property(
      fc.array(fc.record({ base: fc.double({ min: 1, max: 10 }), fresh: fc.double({ min: 1, max: 10 }) }), {
        minLength: 2,
        maxLength: 15,
      }),
      (pairs) => {
        if (pairs.some(({ base, fresh }) => !Number.isFinite(base) || !Number.isFinite(fresh))) return;
        const there = verdictOf(changeOf(pairs, options));
        const back = verdictOf(
          changeOf(
            pairs.map(({ base, fresh }) => ({ base: fresh, fresh: base })),
            options,
          ),
        );
        expect(back).toBe(swapped[there]);
      },
    ),
  );
});
