import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSearch } from '../../../src/bench/dataset/exact-search.ts';
import { METRICS } from '../../../src/bench/dataset/metric.ts';
import { Nearest } from '../../../src/bench/dataset/nearest.ts';
import { naiveNearest } from './naive.ts';

test('brute force finds what the definition says, ties by id, however the vectors are portioned', () => {
  fc.assert(
    fc.property(
      fc.record({
        metric: fc.constantFrom(...METRICS),
        dim: fc.integer({ min: 1, max: 9 }),
        count: fc.integer({ min: 1, max: 60 }),
        queries: fc.integer({ min: 1, max: 9 }),
        portion: fc.integer({ min: 1, max: 60 }),
        k: fc.integer({ min: 1, max: 60 }),
        // Few different numbers: many ties, equal vectors, and vectors of zeros.
        numbers: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 7, maxLength: 97 }),
      }),
      ({ metric, dim, count, queries, portion, k, numbers }) => {
        const take = (length: number, from: number): Float32Array =>
          Float32Array.from({ length }, (_, i) => numbers[(i + from) % numbers.length]!);
        const vectors = take(count * dim, 0);
        const asked = take(queries * dim, 3);
        const wanted = Math.min(k, count);
        const search = new ExactSearch(metric, asked, dim, wanted);
        const starts = Array.from({ length: Math.ceil(count / portion) }, (_, i) => i * portion);
        for (const start of starts.reverse())
          search.add(vectors.subarray(start * dim, Math.min(count, start + portion) * dim), start);
        const { ids } = search.finish();
        for (let q = 0; q < queries; q++)
          expect([...ids.subarray(q * wanted, (q + 1) * wanted)]).toEqual(
            naiveNearest(metric, vectors, asked.subarray(q * dim, (q + 1) * dim), dim, wanted),
          );
      },
    ),
    { numRuns: 300 },
  );
});

test('a vector with NaN or infinity is refused by its number', () => {
  const search = new ExactSearch('l2', Float32Array.of(1, 2), 2, 1);
  expect(() => search.add(Float32Array.of(0, 0, 1, NaN), 10)).toThrow(/vector 11 or query 0/);
  expect(() => search.add(Float32Array.of(0, Infinity), 5)).toThrow(/vector 5/);
});

test('the k nearest do not depend on the order of the offers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 10 }),
      fc.func(fc.integer()),
      (scores, k, order) => {
        const offers = scores.map((score, id) => ({ score, id }));
        const best = offers
          .toSorted((a, b) => a.score - b.score || a.id - b.id)
          .slice(0, k)
          .map(({ id }) => id);
        const nearest = new Nearest(1, k);
        for (const { score, id } of offers.toSorted((a, b) => order(a.id) - order(b.id)))
          nearest.offer(0, score, id);
        expect([...nearest.sorted().ids.subarray(0, best.length)]).toEqual(best);
      },
    ),
  );
});
