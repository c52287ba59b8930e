import { expect, test } from 'vitest';
import { checkDataset } from '../../../src/bench/dataset/check.ts';
import { convertDataset } from '../../../src/bench/dataset/convert.ts';
import { makeDataset } from '../../../src/bench/dataset/make.ts';
import type { Metric } from '../../../src/bench/dataset/metric.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { floats, ids, legacyFile, schemaText, TemporaryFolder } from './files.ts';

const square = floats(0, 0, 1, 0, 0, 1, 5, 5);

async function check(data: Buffer, schema: Parameters<typeof schemaText>[0] = {}) {
  using folder = new TemporaryFolder();
  folder.write('a.yaml', schemaText({ count: 4, ...schema }));
  folder.write('a.bin', data);
  await using dataset = await openDataset(folder.file('a'));
  return await checkDataset(dataset);
}

test('a ground truth that lists a far vector is wrong, and says which', async () => {
  const report = await check(Buffer.concat([square, floats(0.1, 0), ids(0, 3)]));
  expect(report.groundTruth).toMatchObject({
    state: 'checked',
    right: 0,
    wrong: [{ query: 0, reason: expect.stringMatching(/neighbour 1 is 3, at 49\.01.* it is 1, at 0\.81/) }],
  });
});

test('another id at the same distance is right', async () => {
  const report = await check(Buffer.concat([square, floats(0, 0), ids(0, 2)]));
  expect(report.groundTruth).toMatchObject({ state: 'checked', right: 1, tied: 1, wrong: [] });
});

test('an id that is listed twice is wrong', async () => {
  const report = await check(Buffer.concat([square, floats(0.4, 0), ids(0, 0)]));
  expect(report.groundTruth).toMatchObject({ wrong: [{ query: 0, reason: 'it lists an id twice' }] });
});

test('numbers that are not finite, and vectors without a direction, are counted', async () => {
  const data = Buffer.concat([floats(0, 0, 1, NaN, 0, Infinity, 5, 5), floats(0, 0), ids(0, 1)]);
  expect(await check(data)).toEqual({
    notFinite: { count: 2, first: 'vector 1' },
    zeroVectors: 1,
    groundTruth: { state: 'skipped', reason: 'some numbers are not finite' },
  });
});

test('a ground truth by another metric than declared is told with that metric', async () => {
  using folder = new TemporaryFolder();
  const shape = { count: 300, dim: 8, queries: 20, neighbors: 5 };
  const path = await makeDataset({ output: folder.file('made'), ...shape, metric: 'cosine' });
  await using dataset = await openDataset(path, { metric: 'l2' });
  const { groundTruth } = await checkDataset(dataset);
  expect(groundTruth).toMatchObject({ state: 'checked', queries: 20, agreesWith: ['cosine'] });
  expect(groundTruth.state === 'checked' && groundTruth.wrong.length).toBeGreaterThan(10);
});

const rows = [
  [3, 0, 4],
  [1, 0, 0],
  [0, 2, 0],
  [9, 9, 9],
];

test.each([
  {
    metric: 'ip' as Metric,
    code: 1,
    truth: [3, 0],
    says: /code 1 means cosine or ip.*ground truth is that of ip/,
  },
  { metric: 'ip' as Metric, code: 2, truth: [3, 0], says: /taken as ip, as the ground truth agrees/ },
  { metric: 'cosine' as Metric, code: 1, truth: [1, 0], says: /taken as cosine/ },
  { metric: 'cosine' as Metric, code: 2, truth: [1, 0], says: /ground truth is that of cosine/ },
])('convert finds out that code $code means $metric', async ({ metric, code, truth, says }) => {
  using folder = new TemporaryFolder();
  const input = folder.write('old.bin', legacyFile(rows, [[1, 0, 0]], [truth], { metricCode: code }));
  const converted = await convertDataset({ input, output: folder.file('new') });
  expect(converted.metric).toBe(metric);
  expect(converted.notes.join()).toMatch(says);
  await using dataset = await openDataset(converted.path);
  expect(dataset).toMatchObject({ name: 'old-set', format: 'schema', metric, count: 4, neighbors: 2 });
  expect([...(await dataset.readVectors(0, 4))]).toEqual(rows.flat());
  expect([...dataset.queries]).toEqual([1, 0, 0]);
  expect([...dataset.groundTruth]).toEqual(truth);
});

test('convert asks for the metric where nothing can tell it', async () => {
  using folder = new TemporaryFolder();
  const input = folder.write('old.bin', legacyFile(rows, [[1, 0, 0]], [[2, 1]], { metricCode: 1 }));
  const output = folder.file('new');
  await expect(convertDataset({ input, output })).rejects.toMatchObject({ code: 'dataset-metric' });
  expect((await convertDataset({ input, output, metric: 'ip' })).metric).toBe('ip');
});

test('convert keeps half precision bit by bit', async () => {
  using folder = new TemporaryFolder();
  const input = folder.write('old.bin', legacyFile(rows, [[1, 0, 0]], [[1, 2]], { half: true }));
  const { path } = await convertDataset({ input, output: folder.file('new') });
  await using before = await openDataset(input);
  await using after = await openDataset(path);
  expect(after.dtype).toBe('f16');
  expect(await after.readRaw(0, 4)).toEqual(await before.readRaw(0, 4));
  expect(after.queries).toEqual(before.queries);
});
