import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkDataset } from '../../../src/bench/dataset/check.ts';
import { neighborsOf, queryOf } from '../../../src/bench/dataset/dataset.ts';
import { makeDataset, type MakeOptions } from '../../../src/bench/dataset/make.ts';
import { METRICS } from '../../../src/bench/dataset/metric.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import type { DatasetProgress } from '../../../src/bench/dataset/progress.ts';
import { TemporaryFolder } from './files.ts';
import { naiveNearest } from './naive.ts';

test.each(METRICS)('a made dataset has the exact ground truth by %s', async (metric) => {
  using folder = new TemporaryFolder();
  const path = await makeDataset({
    output: folder.file('made'),
    count: 700,
    dim: 13,
    clusters: 7,
    queries: 9,
    neighbors: 11,
    metric,
  });
  expect(path).toBe(folder.file('made.yaml'));
  await using dataset = await openDataset(path);
  expect(dataset).toMatchObject({ name: 'made', count: 700, dim: 13, queryCount: 9, neighbors: 11, metric });
  const vectors = await dataset.readVectors(0, dataset.count);
  for (let q = 0; q < dataset.queryCount; q++)
    expect([...neighborsOf(dataset, q)]).toEqual(naiveNearest(metric, vectors, queryOf(dataset, q), 13, 11));
});

test('the same seed makes the same bytes on any number of threads, another seed does not', async () => {
  using folder = new TemporaryFolder();
  const digest = async (name: string, more: Partial<MakeOptions>): Promise<string> => {
    const shape = { count: 40_000, dim: 32, queries: 50, neighbors: 20 };
    await makeDataset({ output: folder.file(name), ...shape, ...more });
    return createHash('sha256')
      .update(readFileSync(folder.file(`${name}.bin`)))
      .digest('hex');
  };
  const one = await digest('one', { threads: 1, seed: 7 });
  expect(await digest('three', { threads: 3, seed: 7 })).toBe(one);
  expect(await digest('other', { threads: 2, seed: 8 })).not.toBe(one);
});

test('a seed makes the bytes that it made in every version', async () => {
  using folder = new TemporaryFolder();
  await makeDataset({ output: folder.file('fixed'), count: 100, dim: 4, queries: 5, neighbors: 3, seed: 42 });
  const digest = createHash('sha256')
    .update(readFileSync(folder.file('fixed.bin')))
    .digest('hex');
  expect(digest).toBe('25139e7ded838ffbc01ece2160bd71ea96a02d854b5c5adc4341b1d6ee104c80');
});

test('progress is told up to the end', async () => {
  using folder = new TemporaryFolder();
  const told: DatasetProgress[] = [];
  await makeDataset({
    output: folder.file('made'),
    count: 2_000,
    dim: 8,
    queries: 5,
    neighbors: 5,
    onProgress: (progress) => told.push(progress),
  });
  for (const phase of ['vectors', 'ground truth'])
    expect(told.findLast((progress) => progress.phase === phase)).toEqual({ phase, done: 2_000, of: 2_000 });
});

test('work that is ended leaves nothing behind', async () => {
  using folder = new TemporaryFolder();
  const stop = new AbortController();
  const made = makeDataset({
    output: folder.file('made'),
    count: 200_000,
    dim: 64,
    queries: 500,
    neighbors: 10,
    threads: 2,
    signal: stop.signal,
    onProgress: ({ phase }) => phase === 'ground truth' && stop.abort(),
  });
  await expect(made).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(folder.path)).toEqual([]);
});

test('what is there already is kept, unless it may be replaced', async () => {
  using folder = new TemporaryFolder();
  const shape = { output: folder.file('made.bin'), count: 20, dim: 2, queries: 2, neighbors: 2 };
  await makeDataset(shape);
  const before = readFileSync(folder.file('made.bin'));
  await expect(makeDataset({ ...shape, seed: 2 })).rejects.toMatchObject({ code: 'dataset-exists' });
  expect(readFileSync(folder.file('made.bin'))).toEqual(before);
  await makeDataset({ ...shape, seed: 2, force: true });
  expect(readFileSync(folder.file('made.bin'))).not.toEqual(before);
});

test.each([
  [{ count: 0 }, /--count to be a whole number from 1/],
  [{ dim: 0 }, /--dim/],
  [{ clusters: 21 }, /--clusters to be a whole number from 1 to 20, got 21/],
  [{ neighbors: 21 }, /--neighbors to be a whole number from 1 to 20, got 21/],
  [{ queries: 0 }, /--queries/],
  [{ spread: NaN }, /--spread/],
  [{ count: 4_000_000_000, dim: 1_000_000, clusters: 1 }, /MiB of free space/],
])('%j is refused in the words of the flag', async (wrong, message) => {
  using folder = new TemporaryFolder();
  const shape = { output: folder.file('x'), count: 20, dim: 2, queries: 2, neighbors: 2 };
  await expect(makeDataset({ ...shape, ...wrong })).rejects.toThrow(message);
});

test('clusters are clusters: a query is near to many vectors and far from the rest', async () => {
  using folder = new TemporaryFolder();
  const shape = { count: 1_000, dim: 16, clusters: 10, spread: 0.1, queries: 20, neighbors: 100 };
  const path = await makeDataset({ output: folder.file('made'), ...shape });
  await using dataset = await openDataset(path);
  const report = await checkDataset(dataset);
  expect(report).toMatchObject({
    notFinite: { count: 0 },
    zeroVectors: 0,
    groundTruth: { state: 'checked', queries: 20, right: 20, tied: 0 },
  });
  const distance = async (query: number, rank: number): Promise<number> => {
    const vector = await dataset.readVectors(neighborsOf(dataset, query)[rank]!, 1);
    return Math.hypot(...vector.map((x, d) => x - queryOf(dataset, query)[d]!));
  };
  expect(await distance(0, 0)).toBeLessThan(1);
  expect(await distance(0, 50)).toBeLessThan(1);
});

test('the folder that it is to lie in is made', async () => {
  using folder = new TemporaryFolder();
  const path = await makeDataset({ output: folder.file('sets/new/made'), count: 100, dim: 4, queries: 5 });
  expect(path).toBe(folder.file('sets/new/made.yaml'));
});
