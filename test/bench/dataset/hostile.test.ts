import { truncateSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDataset } from '../../../src/bench/dataset/open.ts';
import { openImport } from '../../../src/bench/dataset/import-open.ts';
import { UsageError } from '../../../src/error.ts';
import { legacyFile, schemaData, schemaText, TemporaryFolder } from './files.ts';
import { npyFile, vecsFile, vectors } from './foreign-files.ts';
import { runs } from '../../fuzz/runs.ts';

/** Held by one hostile file: what the whole heap may grow by, bytes. */
const MAX_GROWTH = 256 << 20;

/** Opens it: either it is a dataset that can be read, or a clear error says why not. Anything else is told. */
async function troubleOf(open: () => Promise<AsyncDisposable>): Promise<string | undefined> {
  const before = process.memoryUsage().rss;
  try {
    await using opened = await open();
    if ('readVectors' in opened) {
      const dataset = opened as Awaited<ReturnType<typeof openDataset>>;
      await dataset.readVectors(dataset.count - 1, 1);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) return `it threw ${(error as Error).stack}`;
    if (/undefined|\[object/.test(error.message)) return `it says: ${error.message}`;
  }
  const growth = process.memoryUsage().rss - before;
  return growth < MAX_GROWTH ? undefined : `it took ${growth} bytes`;
}

const nasty = fc.oneof(
  fc.constantFrom(0n, 1n, 0xffn, 0x7fffffffn, 0xffffffffn, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 5000n }),
);

test('no legacy head makes it crash, hang, or take memory', async () => {
  using folder = new TemporaryFolder();
  const good = legacyFile(vectors, vectors.slice(0, 2), [[0, 1], [1, 0]]); // prettier-ignore
  const places = [268, 272, 280, 288, 296, 304, 312];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...places), nasty), { minLength: 1, maxLength: 4 }),
      fc.option(fc.integer({ min: 0, max: good.length })),
      fc.boolean(),
      async (patches, cut, isSparse) => {
        const file = Buffer.from(good);
        for (const [at, value] of patches)
          if (at === 268 || at === 288) file.writeUInt32LE(Number(value & 0xffffffffn), at);
          else file.writeBigUInt64LE(value, at);
        const path = folder.write('hostile.bin', cut === null ? file : file.subarray(0, cut));
        // A file that claims terabytes, and seems to have them.
        if (isSparse) truncateSync(path, 2 ** 42);
        expect(await troubleOf(() => openDataset(path))).toBeUndefined();
      },
    ),
    { numRuns: runs(300) },
  );
});

test('no schema makes it crash, hang, or take memory', async () => {
  using folder = new TemporaryFolder();
  const number = fc.oneof(
    nasty.map(String),
    fc.constantFrom('-1', '1.5', '.inf', '.nan', '1e300', 'null', 'yes', '"3"', '[]', '{}', '0x10'),
  );
  await fc.assert(
    fc.asyncProperty(
      number,
      number,
      number,
      number,
      fc.boolean(),
      async (count, dim, queries, k, isSparse) => {
        folder.write(
          'hostile.yaml',
          schemaText({
            fields: `[{ name: v, type: vector, dimensions: ${dim} }]`,
            queries: `{ present: true, count: ${queries} }`,
            truth: `{ present: true, neighbors_per_query: ${k} }`,
          }).replace('count: 3', `count: ${count}`),
        );
        const path = folder.write('hostile.bin', schemaData);
        if (isSparse) truncateSync(path, 2 ** 42);
        expect(await troubleOf(() => openDataset(path))).toBeUndefined();
      },
    ),
    { numRuns: runs(300) },
  );
});

test('no text in place of a schema makes it crash or hang', async () => {
  using folder = new TemporaryFolder();
  const path = folder.write('hostile.bin', schemaData);
  const bomb = `a: &a [${'x,'.repeat(9)}x]\n${'bcdefghi'
    .split('')
    .map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}*${'abcdefgh'[i]}]`)
    .join('\n')}\n`;
  const text = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.constant(bomb),
    fc.nat(schemaText().length).map((at) => schemaText().slice(0, at)),
    fc.tuple(fc.nat(schemaText().length), fc.string()).map(([at, s]) => {
      const whole = schemaText();
      return whole.slice(0, at) + s + whole.slice(at + s.length);
    }),
  );
  await fc.assert(
    fc.asyncProperty(text, async (schema) => {
      folder.write('hostile.yaml', schema);
      expect(await troubleOf(() => openDataset(path))).toBeUndefined();
    }),
    { numRuns: runs(300) },
  );
});

test('no bytes make an importer crash, hang, or take memory', async () => {
  using folder = new TemporaryFolder();
  const good = {
    'a.npy': npyFile('<f4', [5, 3], Float32Array.from(vectors.flat())),
    'a.fvecs': vecsFile('fvecs', vectors),
    'a.jsonl': Buffer.from(vectors.map((row) => JSON.stringify(row)).join('\n')),
    'a.h5': Buffer.concat([Buffer.from('\u0089HDF\r\n\u001a\n', 'latin1'), Buffer.alloc(200)]),
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...(Object.keys(good) as (keyof typeof good)[])),
      fc.array(fc.tuple(fc.nat(250), fc.nat(255)), { maxLength: 8 }),
      fc.option(fc.nat(200)),
      async (name, patches, cut) => {
        const file = Buffer.from(good[name]);
        for (const [at, value] of patches) if (at < file.length) file[at] = value;
        const path = folder.write(name, cut === null ? file : file.subarray(0, cut));
        expect(await troubleOf(() => openImport(path))).toBeUndefined();
      },
    ),
    { numRuns: runs(300) },
  );
});
