import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { checkDataset } from '../../../src/bench/dataset/check.ts';
import { neighborsOf, queryOf } from '../../../src/bench/dataset/dataset.ts';
import { importDataset } from '../../../src/bench/dataset/import.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { TemporaryFolder } from './files.ts';
import { npyFile } from './foreign-files.ts';
import { naiveNearest } from './naive.ts';

const PIXELS = 784;

test('MNIST is imported, and its ground truth is exact', async () => {
  using folder = new TemporaryFolder();
  // One digit after the other, as the package has them: 10,000 in all.
  const digits = createRequire(import.meta.url)('mnist') as { raw: number[] }[];
  const pixels = Float32Array.from(digits.slice(0, 10).flatMap(({ raw }) => raw));
  expect(pixels.length).toBe(10_000 * PIXELS);
  const input = folder.write('mnist.npy', npyFile('<f4', [10_000, PIXELS], pixels));

  const imported = await importDataset({
    input,
    output: folder.file('mnist'),
    queries: 100,
    neighbors: 20,
    metric: 'l2',
  });
  expect(imported).toMatchObject({ count: 9_900, dim: PIXELS, queryCount: 100, notes: [] });
  await using dataset = await openDataset(imported.path);
  const vectors = await dataset.readVectors(0, dataset.count);
  for (const query of [0, 50, 99])
    expect([...neighborsOf(dataset, query)]).toEqual(
      naiveNearest('l2', vectors, queryOf(dataset, query), PIXELS, 20),
    );
  const report = await checkDataset(dataset, { sample: 20 });
  expect(report).toMatchObject({ notFinite: { count: 0 }, groundTruth: { queries: 20, right: 20 } });
}, 60_000);
