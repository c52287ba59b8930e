import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { neighborsOf, queryOf } from '../../../src/bench/dataset/dataset.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { floats, ids, legacyFile, schemaData, schemaText, TemporaryFolder } from './files.ts';

const recorded = fileURLToPath(new URL('../../fixtures/datasets/c10k.yaml', import.meta.url));

describe('a schema-driven dataset', () => {
  test('is read through the .bin, the .yaml, or neither ending', async () => {
    using folder = new TemporaryFolder();
    folder.write('tiny.yaml', schemaText());
    folder.write('tiny.bin', schemaData);
    for (const name of ['tiny.bin', 'tiny.yaml', 'tiny']) {
      await using dataset = await openDataset(folder.file(name));
      expect(dataset).toMatchObject({
        name: 'tiny',
        format: 'schema',
        count: 3,
        dim: 2,
        dtype: 'f32',
        metric: 'l2',
        queryCount: 1,
        neighbors: 2,
        fieldName: 'v',
      });
      expect([...(await dataset.readVectors(1, 2))]).toEqual([1, 0, 0, 3]);
      expect([...queryOf(dataset, 0)]).toEqual([Math.fround(0.9), 0]);
      expect([...neighborsOf(dataset, 0)]).toEqual([1, 0]);
    }
  });

  test('that another program reads has the layout that we read', async () => {
    using folder = new TemporaryFolder();
    copyFileSync(recorded, folder.file('c10k.yaml'));
    folder.write('c10k.bin', '');
    truncateSync(folder.file('c10k.bin'), 10_000 * 64 * 4 + 200 * 64 * 4 + 200 * 100 * 8);
    await using dataset = await openDataset(folder.file('c10k'));
    expect(dataset).toMatchObject({ name: 'mkds', count: 10_000, dim: 64, queryCount: 200, neighbors: 100 });
    expect(dataset.keys).toEqual({ state: 'pattern', pattern: 'vec:{id}' });
  });

  test('with other fields around the vector, keys and 32-bit ids is taken apart', async () => {
    using folder = new TemporaryFolder();
    const text = (value: string, size: number): Buffer => Buffer.concat([Buffer.from(value)], size);
    folder.write(
      'mixed.yaml',
      schemaText({
        fields:
          '[{ name: tag, type: tag, max_bytes: 3 }, { name: v, type: vector, dimensions: 2 }, { name: price, type: numeric }]',
        count: 2,
        keys: '{ present: true, length: variable, max_bytes: 6 }',
        queries: '{ present: true, count: 1 }',
        truth: '{ present: true, neighbors_per_query: 1, id_type: u32 }',
        metric: 'cosine',
      }),
    );
    const record = (tag: string, a: number, b: number): Buffer =>
      Buffer.concat([text(tag, 3), floats(a, b), Buffer.alloc(8)]);
    const key = (value: string): Buffer =>
      Buffer.concat([Buffer.from([value.length, 0, 0, 0]), text(value, 6)]);
    folder.write(
      'mixed.bin',
      Buffer.concat([
        record('a', 1, 2),
        record('bcd', 3, 4),
        key('one'),
        key('second'),
        record('q', 5, 6),
        Buffer.from([1, 0, 0, 0]),
      ]),
    );
    await using dataset = await openDataset(folder.file('mixed'));
    expect([...(await dataset.readVectors(0, 2))]).toEqual([1, 2, 3, 4]);
    expect([...dataset.queries]).toEqual([5, 6]);
    expect([...dataset.groundTruth]).toEqual([1]);
    expect(dataset.metric).toBe('cosine');
    expect(dataset.keys?.state === 'stored' && (await dataset.keys.read(0, 2))).toEqual(['one', 'second']);
  });

  test.each([
    ['one byte short', schemaData.subarray(0, -1), schemaText(), 'dataset-size'],
    ['one byte long', Buffer.concat([schemaData, Buffer.alloc(1)]), schemaText(), 'dataset-size'],
    ['a count that overflows', schemaData, schemaText({ count: 2 ** 53 }), 'dataset-schema'],
    ['a negative count', schemaData, schemaText({ count: -1 }), 'dataset-schema'],
    ['no vector field', schemaData, schemaText({ fields: '[{ name: n, type: numeric }]' }), 'dataset-schema'],
    ['a metric that nobody knows', schemaData, schemaText({ metric: 'hamming' }), 'dataset-schema'],
    ['broken YAML', schemaData, 'version: [1', 'dataset-schema'],
    ['YAML that nests without end', schemaData, '['.repeat(130_000), 'dataset-schema'],
    ['a schema of megabytes', schemaData, ' '.repeat(2 << 20), 'dataset-schema'],
    [
      'an id that no vector has',
      Buffer.concat([schemaData.subarray(0, -8), ids(3)]),
      schemaText(),
      'dataset-ground-truth',
    ],
    [
      'an id of -1',
      Buffer.concat([schemaData.subarray(0, -8), Buffer.alloc(8, 0xff)]),
      schemaText(),
      'dataset-ground-truth',
    ],
  ])('with %s is refused', async (_what, data, schema, code) => {
    using folder = new TemporaryFolder();
    folder.write('bad.yaml', schema);
    folder.write('bad.bin', data);
    await expect(openDataset(folder.file('bad'))).rejects.toMatchObject({ name: 'UsageError', code });
  });

  test('tells which counts and sizes disagree', async () => {
    using folder = new TemporaryFolder();
    folder.write('short.yaml', schemaText());
    folder.write('short.bin', schemaData.subarray(0, 20));
    await expect(openDataset(folder.file('short.bin'))).rejects.toThrow(
      /make 48 bytes \(3 records of 8, 1 queries of 8, 2 neighbours each\), but 20 are in the file.*truncated/,
    );
  });

  test('that shrinks while it is open is an error, not zeros', async () => {
    using folder = new TemporaryFolder();
    folder.write('tiny.yaml', schemaText());
    folder.write('tiny.bin', schemaData);
    await using dataset = await openDataset(folder.file('tiny'));
    writeFileSync(folder.file('tiny.bin'), 'gone');
    await expect(dataset.readVectors(0, 3)).rejects.toMatchObject({ code: 'dataset-size' });
  });
});

describe('a legacy dataset', () => {
  const vectors = [
    [0, 0, 1],
    [1, 0, -2],
    [0, 3, 2048],
  ];

  test.each([{ half: false }, { half: true }])('is read, half precision: $half', async ({ half }) => {
    using folder = new TemporaryFolder();
    const path = folder.write('old.bin', legacyFile(vectors, [[1, 0, 0]], [[0, 1]], { half }));
    await using dataset = await openDataset(path);
    expect(dataset).toMatchObject({ name: 'old-set', format: 'legacy', count: 3, dim: 3, metric: 'l2' });
    expect(dataset.dtype).toBe(half ? 'f16' : 'f32');
    expect([...(await dataset.readVectors(0, 3))]).toEqual(vectors.flat());
    expect([...dataset.queries]).toEqual([1, 0, 0]);
    expect([...dataset.groundTruth]).toEqual([0, 1]);
  });

  test('whose writer did not pad its records is read too', async () => {
    using folder = new TemporaryFolder();
    const path = folder.write('old.bin', legacyFile(vectors, [[1, 0, 0]], [[0, 1]], { packed: true }));
    await using dataset = await openDataset(path);
    expect([...(await dataset.readVectors(1, 2))]).toEqual(vectors.slice(1).flat());
  });

  test('whose metric code means two things says so, and lets the user decide', async () => {
    using folder = new TemporaryFolder();
    const path = folder.write('old.bin', legacyFile(vectors, [[1, 0, 0]], [[0, 1]], { metricCode: 1 }));
    await using asWritten = await openDataset(path);
    expect(asWritten.layout.metricOrigin).toEqual({ state: 'code', code: 1, ambiguous: true });
    await using asTold = await openDataset(path, { metric: 'ip' });
    expect(asTold.metric).toBe('ip');
  });

  test.each([
    ['a head that ends early', (file: Buffer) => file.subarray(0, 4000), 'dataset-size'],
    ['a missing end', (file: Buffer) => file.subarray(0, -1), 'dataset-size'],
    ['an unknown metric code', (file: Buffer) => patch(file, 264, 7), 'dataset-metric'],
    ['an unknown dtype', (file: Buffer) => patch(file, 265, 2), 'dataset-header'],
    ['no dimensions', (file: Buffer) => patch(file, 268, 0), 'dataset-header'],
    ['vectors that begin inside the head', (file: Buffer) => patch(file, 297, 0), 'dataset-header'],
    ['a vector count of 2^63', (file: Buffer) => patch(file, 279, 0x80), 'dataset-size'],
    [
      'an offset that overflows',
      (file: Buffer) => (file.fill(0xff, 312, 320), Buffer.from(file)),
      'dataset-size',
    ],
  ])('with %s is refused', async (_what, damage, code) => {
    using folder = new TemporaryFolder();
    const path = folder.write('old.bin', damage(legacyFile(vectors, [[1, 0, 0]], [[0, 1]])));
    await expect(openDataset(path)).rejects.toMatchObject({ name: 'UsageError', code });
  });
});

test.each([
  ['a missing file', (folder: TemporaryFolder) => folder.file('nowhere.bin'), 'dataset-missing'],
  ['a folder', (folder: TemporaryFolder) => folder.path, 'dataset-missing'],
  [
    'a schema without its data',
    (folder: TemporaryFolder) => folder.write('a.yaml', schemaText()),
    'dataset-missing',
  ],
  ['some other file', (folder: TemporaryFolder) => folder.write('a.bin', 'hello'), 'dataset-format'],
  ['an empty file', (folder: TemporaryFolder) => folder.write('a.bin', ''), 'dataset-format'],
])('%s is refused with what was expected', async (_what, make, code) => {
  using folder = new TemporaryFolder();
  await expect(openDataset(make(folder))).rejects.toMatchObject({ name: 'UsageError', code });
});

function patch(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt8(value, at);
  return copy;
}
