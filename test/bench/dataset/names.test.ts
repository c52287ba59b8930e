import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  detectDatasetInfo,
  findDatasetPath,
  generateIndexName,
  generateSearchPrefix,
  requireDatasetPath,
} from '../../../src/bench/dataset/names.ts';
import { schemaData, schemaText, TemporaryFolder } from './files.ts';

test('a bare name is looked for in the benchmark home, then in ./datasets, then here', async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.file('home/datasets'), { recursive: true });
  mkdirSync(folder.file('work/datasets'), { recursive: true });
  const environment = { BENCHMARK_HOME: folder.file('home') };
  const find = (name: string) => findDatasetPath(name, environment, folder.file('work'));
  expect(await find('a')).toBeUndefined();
  folder.write('work/a.yaml', '');
  expect(await find('a')).toBe(folder.file('work/a.yaml'));
  folder.write('work/datasets/a.bin', '');
  expect(await find('a')).toBe(folder.file('work/datasets/a.bin'));
  expect(await find('a.bin')).toBe(folder.file('work/datasets/a.bin'));
  folder.write('home/datasets/a.bin', '');
  expect(await find('a')).toBe(folder.file('home/datasets/a.bin'));
  expect(await find('./a')).toBe(folder.file('work/a.yaml'));
  expect(await find(folder.file('work/datasets/a'))).toBe(folder.file('work/datasets/a.bin'));
});

test('a folder of that name is no dataset', async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.file('a'));
  folder.write('a.bin', '');
  expect(await findDatasetPath('a', {}, folder.path)).toBe(folder.file('a.bin'));
});

test('a name that is nowhere is told with the places and the command that makes one', async () => {
  await expect(requireDatasetPath('nope', { BENCHMARK_HOME: '/srv' }, '/tmp')).rejects.toThrow(
    /\/srv\/datasets, \/tmp\/datasets, \/tmp\. Make one with: stagewatch dataset make/,
  );
});

test('index names and key prefixes are those that users of the old tools know', () => {
  expect(generateIndexName('sift', 1_000_000, 128, 100)).toBe('sift-1M-128-100');
  expect(generateIndexName('mnist', 10_000, 784, 10)).toBe('mnist-10K-784-10');
  expect(generateIndexName('tiny', 500, 4, 10)).toBe('tiny-500-4-10');
  expect(generateSearchPrefix('cohere-medium-1m')).toBe('zvec_cohere1m:');
  expect(generateSearchPrefix('openai_large_5m')).toBe('zvec_openai5m:');
  expect(generateSearchPrefix('sift')).toBe('zvec_sift:');
  expect(generateSearchPrefix('large')).toBe('zvec_large:');
});

test('what a benchmark has to know is found out without reading the vectors', async () => {
  using folder = new TemporaryFolder();
  folder.write('tiny.yaml', schemaText());
  folder.write('tiny.bin', schemaData);
  expect(await detectDatasetInfo(folder.file('tiny.bin'))).toEqual({
    name: 'tiny',
    path: folder.file('tiny.bin'),
    schemaPath: folder.file('tiny.yaml'),
    format: 'schema',
    count: 3,
    dim: 2,
    dtype: 'f32',
    metric: 'l2',
    queryCount: 1,
    neighbors: 2,
    fieldName: 'v',
  });
});
