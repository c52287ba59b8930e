import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlatIndex } from '../../src/engine/vector/flat.ts';
import { loadHnswlib } from '../../src/engine/vector/hnswlib.ts';
import { chooseHnsw, hnswProviders } from '../../src/engine/vector/provider.ts';
import type { Metric, VectorIndex } from '../../src/engine/vector/vector-index.ts';
import { bruteForce, makeVectors, recallOf } from './vectors.ts';

const DIMENSIONS = 32;
const COUNT = 3000;
const K = 10;
const metrics: readonly Metric[] = ['L2', 'IP', 'COSINE'];
const queries = makeVectors(100, DIMENSIONS, 99);
const providers = hnswProviders.filter((name) => name !== 'hnswlib-node' || loadHnswlib() !== undefined);

const search = (index: VectorIndex, ef: number): number[][] =>
  queries.map((query) => [...index.search(query, K, ef).slots]);

const truthOf = (metric: Metric, vectors: readonly (Float32Array | undefined)[]): number[][] =>
  queries.map((query) => bruteForce(metric, vectors, query, K));

test.each(metrics)('FLAT finds what brute force finds: %s', (metric) => {
  const vectors = makeVectors(COUNT, DIMENSIONS);
  const index = new FlatIndex({ dimensions: DIMENSIONS, metric });
  for (const [slot, vector] of vectors.entries()) index.set(slot, vector);
  expect(queries.map((query) => index.search(query, K).slots)).toEqual(truthOf(metric, vectors));
});

test('FLAT: of equal distances, lower slots win', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }),
      fc.nat(8),
      (xs, k) => {
        const index = new FlatIndex({ dimensions: 1, metric: 'L2' });
        for (const [slot, x] of xs.entries()) index.set(slot, Float32Array.of(x));
        const expected = xs
          .map((x, slot) => ({ slot, distance: x * x }))
          .sort((a, b) => a.distance - b.distance || a.slot - b.slot)
          .slice(0, k + 1);
        expect(index.search(Float32Array.of(0), k + 1).slots).toEqual(expected.map(({ slot }) => slot));
      },
    ),
  );
});

describe.each(providers)('HNSW by %s', (name) => {
  const create = (metric: Metric): VectorIndex =>
    chooseHnsw(name).create({ dimensions: DIMENSIONS, metric, m: 16, efConstruction: 200 });

  test.each(metrics)('recall rises with ef up to nearly 1: %s', (metric) => {
    const vectors = makeVectors(COUNT, DIMENSIONS);
    const index = create(metric);
    for (const [slot, vector] of vectors.entries()) index.set(slot, vector);
    const truth = truthOf(metric, vectors);
    const curve = [10, 50, 200, 1000].map((ef) => recallOf(search(index, ef), truth));
    expect(curve).toEqual(curve.toSorted((a, b) => a - b));
    expect(curve[0]).toBeLessThan(0.99);
    expect(curve.at(-1)).toBeGreaterThan(0.99);
  });

  test('distances are those of the metric, nearest first', () => {
    const vectors = makeVectors(200, DIMENSIONS);
    for (const metric of metrics) {
      const index = create(metric);
      const flat = new FlatIndex({ dimensions: DIMENSIONS, metric });
      for (const [slot, vector] of vectors.entries()) {
        index.set(slot, vector);
        flat.set(slot, vector);
      }
      for (const query of queries) {
        const found = index.search(query, K, 200);
        const exact = flat.search(query, K);
        expect(found.slots).toEqual(exact.slots);
        for (const [i, distance] of found.distances.entries())
          expect(distance).toBeCloseTo(exact.distances[i]!, 3);
      }
    }
  });

  test('replaced vectors are found at their new place, deleted ones nowhere', () => {
    const vectors: (Float32Array | undefined)[] = makeVectors(1000, DIMENSIONS);
    const index = create('L2');
    for (const [slot, vector] of vectors.entries()) index.set(slot, vector!);
    const others = makeVectors(1000, DIMENSIONS, 7);
    for (let slot = 0; slot < 1000; slot++) {
      if (slot % 3 === 0) {
        index.delete(slot);
        vectors[slot] = undefined;
      } else if (slot % 3 === 1) index.set(slot, (vectors[slot] = others[slot]!));
    }
    expect(index.size).toBe(vectors.filter(Boolean).length);
    const found = search(index, 400);
    expect(found.flat().filter((slot) => vectors[slot] === undefined)).toEqual([]);
    expect(recallOf(found, truthOf('L2', vectors))).toBeGreaterThan(0.98);
    for (let slot = 0; slot < 1000; slot += 3) index.set(slot, (vectors[slot] = others[slot]!));
    expect(index.size).toBe(1000);
    expect(recallOf(search(index, 400), truthOf('L2', vectors))).toBeGreaterThan(0.98);
  });

  test('survives any order of sets, deletes and searches', () => {
    const step = fc.record({
      what: fc.constantFrom('set', 'set', 'delete', 'search'),
      slot: fc.nat(20),
      value: fc.integer({ min: -3, max: 3 }),
      k: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const index = chooseHnsw(name).create({ dimensions: 2, metric: 'L2', m: 2, efConstruction: 10 });
        const held = new Map<number, number>();
        // Slots are used in order, as a field does.
        let next = 0;
        let foundWrong = 0;
        let foundTwice = 0;
        for (const { what, slot, value, k } of steps) {
          const at = Math.min(slot, next);
          if (what === 'set') {
            index.set(at, Float32Array.of(value, -value));
            held.set(at, value);
            next = Math.max(next, at + 1);
          } else if (what === 'delete' && at < next) {
            index.delete(at);
            held.delete(at);
          } else {
            const { slots } = index.search(Float32Array.of(value, value), k, 100);
            foundWrong += slots.filter((found) => !held.has(found)).length;
            foundTwice += slots.length - new Set(slots).size;
          }
          expect([index.size, foundWrong, foundTwice]).toEqual([held.size, 0, 0]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
