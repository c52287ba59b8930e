import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../../src/bench/dataset/dataset.ts';
import { importDataset, type ImportOptions } from '../../../src/bench/dataset/import.ts';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { TemporaryFolder } from './files.ts';
import { nearest, npyFile, queries, vecsFile, vectors, writeHdf5 } from './foreign-files.ts';

type Flags = Omit<ImportOptions, 'input' | 'output'>;

async function importAndOpen(folder: TemporaryFolder, input: string, flags: Flags = {}) {
  const imported = await importDataset({ input, output: folder.file('out'), ...flags });
  return { imported, dataset: await openDataset(imported.path) };
}

async function expectVectors(dataset: Dataset): Promise<void> {
  expect(dataset).toMatchObject({ name: 'out', count: 5, dim: 3, queryCount: 2, neighbors: 2 });
  expect([...(await dataset.readVectors(0, 5))]).toEqual(vectors.flat());
  expect([...dataset.queries]).toEqual(queries.flat().map(Math.fround));
  expect([...dataset.groundTruth]).toEqual(nearest.flat());
  await dataset.close();
}

const f32 = (rows: readonly (readonly number[])[]): Float32Array => Float32Array.from(rows.flat());

describe('HDF5 as ann-benchmarks writes it', () => {
  test.each([{ double: false }, { double: true }])('is taken over, double: $double', async ({ double }) => {
    using folder = new TemporaryFolder();
    const parts = { train: vectors, test: queries, neighbors: nearest, distance: 'euclidean', double };
    const { imported, dataset } = await importAndOpen(folder, await writeHdf5(folder.file('a.hdf5'), parts));
    expect(imported).toMatchObject({
      metric: 'l2',
      groundTruth: { state: 'taken-over', check: { right: 2 } },
    });
    expect(imported.notes.join()).toMatch(double ? /float64 was rounded/ : /^$/);
    await expectVectors(dataset);
  });

  test('is searched anew by another metric than its own', async () => {
    using folder = new TemporaryFolder();
    const parts = { train: vectors, test: queries, neighbors: nearest, distance: 'angular' };
    const input = await writeHdf5(folder.file('a.hdf5'), parts);
    const { imported, dataset } = await importAndOpen(folder, input, { metric: 'l2', neighbors: 2 });
    expect(imported.groundTruth.state).toBe('computed');
    expect(imported.notes.join()).toMatch(/that of the file is by cosine/);
    await expectVectors(dataset);
  });

  test('whose ground truth is wrong is told, with the metric by which it were right', async () => {
    using folder = new TemporaryFolder();
    const parts = { train: vectors, test: queries, neighbors: [[1, 4], [4, 3]], distance: 'euclidean' }; // prettier-ignore
    const input = await writeHdf5(folder.file('a.hdf5'), parts);
    const imported = await importDataset({ input, output: folder.file('out') });
    expect(imported.groundTruth).toMatchObject({
      state: 'taken-over',
      check: { right: 1, wrong: [{ query: 0 }] },
    });
  });

  test.each([
    ['no vectors', { test: queries }, /none of train, database, base, but test/],
    ['a metric of other things', { train: vectors, distance: 'jaccard' }, /got "jaccard"/],
    ['an id that no vector has', { train: vectors, test: queries, neighbors: [[9], [0]] }, /0 to 4.*got 9/],
    ['an id of -1', { train: vectors, test: queries, neighbors: [[-1], [0]] }, /got -1.*--recompute/],
    ['queries of other dimensions', { train: vectors, test: [[1]] }, /queries of 3 numbers.*got 1/],
    [
      'ids for other queries',
      { train: vectors, test: queries, neighbors: [[1]] },
      /of 2 queries, got that of 1/,
    ],
  ])('with %s is refused, and nothing is written', async (_what, parts, message) => {
    using folder = new TemporaryFolder();
    const input = await writeHdf5(folder.file('a.hdf5'), parts);
    await expect(importAndOpen(folder, input)).rejects.toThrow(message);
    expect(readdirSync(folder.path)).toEqual(['a.hdf5']);
  });

  test('that is cut off is refused', async () => {
    using folder = new TemporaryFolder();
    const input = folder.write('cut.hdf5', Buffer.from('\u0089HDF\r\n\u001a\n, and no more', 'latin1'));
    await expect(importAndOpen(folder, input)).rejects.toMatchObject({ code: 'import-hdf5' });
  });
});

describe('files of one matrix', () => {
  test('fvecs with queries and ids beside it', async () => {
    using folder = new TemporaryFolder();
    const { imported, dataset } = await importAndOpen(
      folder,
      folder.write('base.fvecs', vecsFile('fvecs', vectors)),
      {
        queryFile: folder.write('query.fvecs', vecsFile('fvecs', queries)),
        groundTruthFile: folder.write('truth.ivecs', vecsFile('ivecs', nearest)),
      },
    );
    expect(imported.groundTruth).toMatchObject({ state: 'taken-over', check: { right: 2 } });
    await expectVectors(dataset);
  });

  test.each([
    ['base.bvecs', vecsFile('bvecs', vectors)],
    ['float32.npy', npyFile('<f4', [5, 3], f32(vectors))],
    ['float64.npy', npyFile('<f8', [5, 3], Float64Array.from(vectors.flat()))],
    ['bytes.npy', npyFile('|u1', [5, 3], Uint8Array.from(vectors.flat()))],
    ['arrays.jsonl', vectors.map((row) => `${JSON.stringify(row)}\n`).join('')],
    ['objects.ndjson', vectors.map((row, id) => JSON.stringify({ id, embedding: row })).join('\n\n')],
  ])('%s with queries of another kind, ground truth computed', async (name, content) => {
    using folder = new TemporaryFolder();
    const queryFile = folder.write('queries.npy', npyFile('<f4', [2, 3], f32(queries)));
    const input = folder.write(name, content);
    const { imported, dataset } = await importAndOpen(folder, input, { queryFile, neighbors: 2 });
    expect(imported.groundTruth).toEqual({ state: 'computed', neighbors: 2 });
    await expectVectors(dataset);
  });

  test('ids in a .npy of 64-bit numbers', async () => {
    using folder = new TemporaryFolder();
    const ids = BigInt64Array.from(nearest.flat().map(BigInt));
    const { imported, dataset } = await importAndOpen(
      folder,
      folder.write('a.npy', npyFile('<f4', [5, 3], f32(vectors))),
      {
        queryFile: folder.write('q.npy', npyFile('<f4', [2, 3], f32(queries))),
        groundTruthFile: folder.write('t.npy', npyFile('<i8', [2, 2], ids)),
      },
    );
    expect(imported.groundTruth.state).toBe('taken-over');
    await expectVectors(dataset);
  });

  test('without queries some vectors are taken out, and are vectors no more', async () => {
    using folder = new TemporaryFolder();
    const rows = Array.from({ length: 200 }, (_, i) => [i, i % 7]);
    const input = folder.write('a.npy', npyFile('<f4', [200, 2], f32(rows)));
    const { imported, dataset } = await importAndOpen(folder, input, { queries: 20, seed: 3 });
    expect(imported).toMatchObject({ count: 180, queryCount: 20, metric: 'l2' });
    const firsts = (numbers: Float32Array): number[] => [...numbers].filter((_, i) => i % 2 === 0);
    const kept = firsts(await dataset.readVectors(0, 180));
    const taken = firsts(dataset.queries);
    expect([...kept, ...taken].toSorted((a, b) => a - b)).toEqual(rows.map(([first]) => first));
    expect(Math.max(...taken)).toBeGreaterThan(100);
    expect(Math.min(...taken)).toBeLessThan(100);
    await dataset.close();
  });

  test.each([
    ['cut.fvecs', vecsFile('fvecs', vectors).subarray(0, -1), /truncated, or no fvecs file/],
    ['uneven.fvecs', vecsFile('fvecs', [[1, 2], [3]]).subarray(0), /no whole number of rows|row 1 says/],
    ['negative.fvecs', Buffer.from(Int32Array.of(-5, 0, 0).buffer), /got \d+ of -5/],
    ['empty.fvecs', '', /got 0 bytes/],
    ['huge.fvecs', Buffer.from(Int32Array.of(0x7fffffff, 0).buffer), /of 2147483647/],
    ['big-endian.npy', npyFile('>f4', [5, 3], f32(vectors)), /">f4"/],
    ['fortran.npy', npyFile('<f4', [5, 3], f32(vectors), { fortran: true }), /Fortran order/],
    ['cube.npy', npyFile('<f4', [5, 3, 1], f32(vectors)), /3 dimensions/],
    [
      'cut.npy',
      npyFile('<f4', [5, 3], f32(vectors)).subarray(0, -1),
      /188 bytes in all, but the file has 187/,
    ],
    ['lying.npy', npyFile('<f4', [4_000_000_000, 1_000_000], f32(vectors)), /but the file has/],
    ['objects.npy', npyFile('|O', [5, 3], f32(vectors)), /"\|O"/],
    ['text.npy', 'not NumPy at all', /does not begin as one/],
    ['uneven.jsonl', '[1,2]\n[3]\n', /line 2, but it has 1 numbers, and the first vector has 2/],
    ['words.jsonl', '["a","b"]\n', /line 1.*finite numbers/],
    ['nothing.jsonl', '\n\n', /found none/],
    ['broken.jsonl', '[1,2]\n[1,', /line 2, but it is no JSON/],
    ['fields.jsonl', '{"v":[1]}\n', /no array in vector, embedding, values; name the field with --field/],
    ['photo.png', 'png', /ends in \.hdf5.*got .*photo\.png/],
    ['ids.ivecs', vecsFile('ivecs', nearest), /Expected vectors in/],
  ])('%s is refused, and nothing is written', async (name, content, message) => {
    using folder = new TemporaryFolder();
    const input = folder.write(name, content);
    await expect(importAndOpen(folder, input)).rejects.toThrow(message);
    expect(readdirSync(folder.path)).toEqual([name]);
  });

  test.each([1, 3])('a NaN is refused by its number, on %d threads', async (threads) => {
    using folder = new TemporaryFolder();
    const numbers = new Float32Array(60_000 * 32).fill(1);
    numbers[59_990 * 32] = NaN;
    const input = folder.write('nan.npy', npyFile('<f4', [60_000, 32], numbers));
    const queryFile = folder.write('q.npy', npyFile('<f4', [40, 32], numbers.subarray(0, 40 * 32)));
    const imported = importDataset({ input, output: folder.file('out'), queryFile, threads });
    await expect(imported).rejects.toMatchObject({
      code: 'dataset-not-finite',
      message: expect.stringContaining('vector 59990'),
    });
    expect(readdirSync(folder.path)).toEqual(['nan.npy', 'q.npy']);
  });

  test('a field of JSON lines can be named', async () => {
    using folder = new TemporaryFolder();
    const input = folder.write('a.jsonl', '{"v":[1,2],"vector":[9]}\n{"v":[3,4]}\n{"v":[5,6]}\n');
    const { imported, dataset } = await importAndOpen(folder, input, { field: 'v', queries: 1 });
    expect(imported).toMatchObject({ count: 2, dim: 2, queryCount: 1, groundTruth: { neighbors: 2 } });
    await dataset.close();
  });
});
