import * as fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { expect, test } from 'vitest';
import { SharedClaims, StridedClaims, blockSizeFor } from '../../src/load/claims.ts';
import { crc16, nodesOf, redirectionOf, slotOf, slotTags, tagsOf } from '../../src/load/cluster.ts';
import { LatencyCounts } from '../../src/load/latency-counts.ts';
import { addBuckets, newHistogram } from '../../src/load/merge.ts';
import { spreadClients } from '../../src/load/preflight.ts';
import { commandOf } from '../../src/load/operations.ts';
import { Random } from '../../src/stats/random.ts';
import { RecallMeter, mergeRecall } from '../../src/load/recall.ts';
import { makeData, makeTemplate, writeNumber } from '../../src/load/request-template.ts';
import { Tally } from '../../src/load/tally.ts';
import { idOfKey } from '../../src/load/vector-requests.ts';
import { local } from './support.ts';

test('latencies are counted in the buckets of an HDR histogram', () => {
  const us = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 60_000_000 }));
  fc.assert(
    fc.property(fc.array(us, { minLength: 1, maxLength: 200 }), (values) => {
      const counts = new LatencyCounts();
      const theirs = build({
        highestTrackableValue: 60_000_000,
        numberOfSignificantValueDigits: 3,
        bitBucketSize: 64,
      });
      for (const value of values) {
        counts.record(value / 1000, 2);
        theirs.recordValueWithCount(value, 2);
      }
      const { buckets, total, minMs, maxMs } = counts.take();
      const ours = newHistogram();
      addBuckets(ours, buckets);
      for (const percentile of [0, 1, 50, 90, 99, 99.9, 100])
        expect(ours.getValueAtPercentile(percentile)).toBe(theirs.getValueAtPercentile(percentile));
      expect([total, minMs, maxMs]).toEqual([
        values.length * 2,
        Math.min(...values) / 1000,
        Math.max(...values) / 1000,
      ]);
      expect(counts.take().total).toBe(0);
    }),
  );
});

test('what is longer than a minute counts as a minute, and no time as 1 µs', () => {
  const counts = new LatencyCounts();
  for (const ms of [90_000, 1e9, 0, -1]) counts.record(ms, 1);
  const histogram = newHistogram();
  addBuckets(histogram, counts.take().buckets);
  expect([histogram.totalCount, histogram.minNonZeroValue]).toEqual([4, 1]);
  expect(histogram.maxValue).toBeGreaterThan(59_900_000);
});

test('seconds are told apart, those in which nothing came are left out', () => {
  const tally = new Tally(1000);
  tally.succeeded(1, 3, 1999);
  tally.failed('OOM command not allowed', 2000);
  tally.failed('<script> is no kind', 2500);
  tally.succeeded(1, 1, 4100);
  const seconds = tally.finish();
  expect(seconds.map(({ second, errors, latencies }) => [second, errors, latencies.total])).toEqual([
    [0, 0, 3],
    [1, 2, 0],
    [3, 0, 1],
  ]);
  expect(tally.errorCounts().map(({ kind }) => kind)).toEqual(['OOM', 'ERR']);
});

test('numbers are written with twelve digits, in place', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (value) => {
      const bytes = Buffer.from('x000000000000y');
      writeNumber(bytes, 1, value, 12);
      expect(bytes.toString()).toBe(`x${String(value).padStart(12, '0')}y`);
    }),
  );
});

test('a template has its data, and knows where its numbers and tags go', () => {
  const words = ['SET', 'key:{tag}:__rand_int__', '__data__'];
  const template = makeTemplate(words, { data: makeData(3), keyspace: 10, tagged: true });
  const text = template.bytes.toString();
  expect(text).toBe('*3\r\n$3\r\nSET\r\n$22\r\nkey:{tag}:000000000000\r\n$3\r\nVXK\r\n');
  expect(template.numbers.map((at) => text.slice(at, at + 12))).toEqual(['000000000000']);
  expect(template.tags.map((at) => text.slice(at, at + 3))).toEqual(['tag']);
  const plain = makeTemplate(words, { data: 'x', tagged: false });
  expect([plain.numbers, plain.tags]).toEqual([[], []]);
  expect(plain.bytes.toString()).toContain('key:{tag}:__rand_int__');
});

test('random numbers are the same for the same seed, even, and within their limit', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 10_000 }, () => random.below(10));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const counts = Array.from({ length: 10 }, (_, digit) => draw(1).filter((value) => value === digit).length);
  expect(Math.min(...counts)).toBeGreaterThan(900);
  const big = new Random(5);
  const wide = Array.from({ length: 1000 }, () => big.below(1e12));
  expect(Math.max(...wide)).toBeGreaterThan(9e11);
  expect(wide.every((value) => Number.isInteger(value) && value < 1e12)).toBe(true);
  expect([...new Random(3).permutation(50)].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('every request is given out once, over all threads', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      (total, threads, pipeline, isOpen) => {
        const counter = new SharedArrayBuffer(4);
        const claims = Array.from({ length: threads }, (_, thread) =>
          isOpen
            ? new StridedClaims(total, thread, threads)
            : new SharedClaims(total, blockSizeFor(total, threads, pipeline), counter),
        );
        const given: number[] = [];
        for (let busy = true; busy;) {
          busy = false;
          for (const one of claims) {
            const count = one.take(pipeline);
            busy ||= count > 0;
            for (let i = 0; i < count; i++) given.push(one.first + i * one.stride);
          }
        }
        expect(given.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
      },
    ),
  );
});

test('slots, tags and redirections are those of the cluster specification', () => {
  expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
  expect([slotOf('foo'), slotOf('{user1000}.following'), slotOf('foo{}{bar}')]).toEqual([
    12182,
    slotOf('user1000'),
    crc16(Buffer.from('foo{}{bar}')) % 16_384,
  ]);
  for (const slot of [0, 1, 8191, 16_383]) expect(slotOf(`key:{${slotTags()[slot]}}:1`)).toBe(slot);
  expect(
    tagsOf({
      ranges: [
        [5, 6],
        [9, 9],
      ],
    }),
  ).toEqual([slotTags()[5], slotTags()[6], slotTags()[9]]);
  expect(redirectionOf('MOVED 866 10.0.0.1:7000', { host: 'h' })).toEqual({
    kind: 'MOVED',
    slot: 866,
    host: '10.0.0.1',
    port: 7000,
  });
  expect(redirectionOf('ASK 1 :7001', { host: 'h' })).toMatchObject({ kind: 'ASK', host: 'h', port: 7001 });
  expect(redirectionOf('ERR no', { host: 'h' })).toBeUndefined();
  expect(
    nodesOf(
      [
        [0, 5, ['', 7000, 'id']],
        [6, 9, [Buffer.from('b'), 7001, 'id'], ['replica', 1]],
        [10, 11, ['', 7000]],
      ],
      {
        host: 'asked',
      },
    ),
  ).toEqual([
    {
      host: 'asked',
      port: 7000,
      ranges: [
        [0, 5],
        [10, 11],
      ],
    },
    { host: 'b', port: 7001, ranges: [[6, 9]] },
  ]);
});

test('clients are spread over nodes and threads', () => {
  const nodes = [7000, 7001, 7002].map((port) => ({ host: 'h', port, ranges: [] }));
  const plans = spreadClients(local(1), nodes, 10, 2);
  const perThread = plans.map((plan) => plan.reduce((sum, { clients }) => sum + clients, 0));
  const perNode = nodes.map(({ port }) =>
    plans.flat().reduce((sum, { address, clients }) => sum + (address.port === port ? clients : 0), 0),
  );
  expect(perThread.toSorted((a, b) => a - b)).toEqual([5, 5]);
  expect(perNode.toSorted((a, b) => a - b)).toEqual([3, 3, 4]);
});

test('recall counts an id once, only the first k, and always out of k', () => {
  const ids = Uint32Array.of(1, 2, 3, 4, 5, 6);
  const meter = new RecallMeter({ ids, neighbors: 3, count: 10 }, 2);
  meter.add(0, [1, 2]);
  meter.add(0, [1, 1]);
  meter.add(0, [3, 9, 1]); // 3 is third in truth, 1 comes third
  meter.add(1, [4]);
  meter.add(1, [-1, 999]);
  const counts = meter.counts();
  expect(counts).toEqual({ k: 2, queries: 5, hits: 4, fewest: 0, most: 2, perfect: 1, zero: 2 });
  expect(mergeRecall([counts, counts])).toMatchObject({
    queries: 10,
    avg: 0.4,
    min: 0,
    max: 1,
    perfect: 2,
    zero: 4,
  });
  expect(mergeRecall([])).toBeNull();
});

test('the number of a record stands at the end of its key', () => {
  const keys = ['p:000000000012', '7', 'p:', 'x:9a', 'a:000000000000'];
  expect(keys.map((key) => idOfKey(Buffer.from(key)))).toEqual([12, 7, -1, -1, 0]);
});

test('keys of an operation begin with the prefix that is asked for', () => {
  const keys = (name: string, cluster: boolean): string =>
    commandOf(name, 1, { cluster, isRandom: true, prefix: 'mine:' }).words[1]!;
  expect(keys('get', false)).toBe('mine:key:__rand_int__');
  expect(keys('lpush', false)).toBe('mine:mylist');
  expect(keys('set', true)).toBe('mine:key:{tag}:__rand_int__');
});
