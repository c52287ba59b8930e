import { expect, test } from 'vitest';
import { checkDataset } from '../../../src/bench/dataset/check.ts';
import { neighborsOf, queryOf } from '../../../src/bench/dataset/dataset.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { TemporaryFolder } from './files.ts';
import { importMnist, MNIST_PIXELS } from './mnist.ts';
import { naiveNearest } from './naive.ts';

test('MNIST is imported, and its ground truth is exact', async () => {
  using folder = new TemporaryFolder();
  const imported = await importMnist(folder, { queries: 100, neighbors: 20 });
  expect(imported).toMatchObject({ count: 9_900, dim: MNIST_PIXELS, queryCount: 100, notes: [] });
  await using dataset = await openDataset(imported.path);
  const vectors = await dataset.readVectors(0, dataset.count);
  for (const query of [0, 50, 99])
    expect([...neighborsOf(dataset, query)]).toEqual(
      naiveNearest('l2', vectors, queryOf(dataset, query), MNIST_PIXELS, 20),
    );
  const report = await checkDataset(dataset, { sample: 20 });
  expect(report).toMatchObject({ notFinite: { count: 0 }, groundTruth: { queries: 20, right: 20 } });
}, 60_000);
