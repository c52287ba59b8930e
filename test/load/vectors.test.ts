import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { openDataset } from '../../src/bench/dataset/open.ts';
import { startEngine } from '../../src/engine/start.ts';
import { runLoad } from '../../src/load/load.ts';
import {
  DEFAULTS,
  type LoadOptions,
  type VectorOperation,
  type VectorOptions,
} from '../../src/load/options.ts';
import { isRespArray, type RespValue } from '../../src/valkey/resp.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { startProxy, type RecordingProxy } from './recording-proxy.ts';
import { ask, optionsFor, runCli } from './support.ts';

const COUNT = 2000;
const DIM = 32;
const QUERIES = 100;
const K = 10;

let folder = '';
let dataset = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-vectors-'));
  const shape = {
    count: COUNT,
    dim: DIM,
    queries: QUERIES,
    neighbors: 20,
    metric: 'cosine',
    seed: 7,
  } as const;
  dataset = await makeDataset({ output: join(folder, 'small'), ...shape });
  await makeDataset({ output: join(folder, 'wider'), ...shape, dim: 48 });
  await makeDataset({ output: join(folder, 'euclid'), ...shape, metric: 'l2' });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function vectors(
  port: number,
  operation: VectorOperation,
  changes: Partial<LoadOptions> = {},
  vector: Partial<VectorOptions> = {},
): LoadOptions {
  const { k, field, hnswM, efConstruction } = DEFAULTS;
  const { length: _, ...options } = optionsFor(port, changes);
  return {
    ...options,
    ...('length' in changes && { length: changes.length! }),
    work: {
      kind: 'vectors',
      name: operation,
      operation,
      dataset,
      k,
      field,
      hnswM,
      efConstruction,
      ...vector,
    },
  };
}

/** Recall of each recorded answer, against true neighbours that are computed here, by brute force. */
async function recallsOf(proxy: RecordingProxy): Promise<number[]> {
  await using open = await openDataset(dataset);
  const all = await open.readVectors(0, COUNT);
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const truth = new Map<string, ReadonlySet<number>>();
  for (let q = 0; q < QUERIES; q++) {
    const query = open.queries.slice(q * DIM, (q + 1) * DIM);
    const scores = Array.from({ length: COUNT }, (_, id) =>
      cosine(query, all.subarray(id * DIM, (id + 1) * DIM)),
    );
    const nearest = scores.map((score, id) => [score, id] as const).sort(([a], [b]) => b - a);
    truth.set(Buffer.from(query.buffer).toString('hex'), new Set(nearest.slice(0, K).map(([, id]) => id)));
  }
  return proxy.exchanges().flatMap(([words, reply]) => {
    if (!/^(FT\.SEARCH|VSIM)$/.test(String(words[0]))) return [];
    const nearest = truth.get(words.find((word) => word.length === DIM * 4)!.toString('hex'))!;
    return [idsIn(reply).filter((id) => nearest.has(id)).length / K];
  });
}

function idsIn(reply: RespValue): number[] {
  const keys = isRespArray(reply) ? reply.filter((item) => Buffer.isBuffer(item)) : [];
  return keys.map((key) => Number(/\d+$/.exec(String(key))![0]));
}

const SERVERS = [
  { name: 'Redis 8 vector sets', start: () => startServer({ program: 'redis-server' }) },
  { name: 'the embedded engine', start: () => startEngine({ perfMap: false }) },
] as const;

/** Bytes of one vector in the dataset. */
const VECTOR_BYTES = DIM * 4;

test('replies with content hold the vectors, and give the same recall', async () => {
  await using engine = await startEngine({ perfMap: false });
  await runLoad(vectors(engine.port, 'vec-load'));
  const seen: { recall: number; vectorsInReply: number }[] = [];
  for (const content of [{}, { content: true as const }]) {
    await using proxy = await startProxy(engine.port);
    const { recall } = await runLoad(
      vectors(proxy.port, 'vec-query', { length: { requests: QUERIES } }, content),
    );
    const [, reply] = proxy.exchanges().find(([words]) => String(words[0]) === 'FT.SEARCH')!;
    const rows = isRespArray(reply) ? reply.filter((item) => isRespArray(item)) : [];
    const inReply = rows.flat().filter((item) => Buffer.isBuffer(item) && item.length === VECTOR_BYTES);
    seen.push({ recall: recall!.avg, vectorsInReply: inReply.length });
  }
  expect(seen[0]).toEqual({ recall: seen[1]!.recall, vectorsInReply: 0 });
  expect(seen[1]!.vectorsInReply).toBe(K);
});

test.skipIf(locate('redis-server') === undefined)('a vector set has no content to ask for', async () => {
  await using server = await startServer({ program: 'redis-server' });
  await runLoad(vectors(server.port, 'vec-load'));
  await expect(runLoad(vectors(server.port, 'vec-query', {}, { content: true }))).rejects.toMatchObject({
    code: 'no-content',
  });
});

describe.each(SERVERS)('$name', ({ name, start }) => {
  if (name.startsWith('Redis')) needs('redis-server');

  test('recall is what a recomputation from the replies gives, exactly, and rises with ef', async () => {
    await using server = await start();
    const loaded = await runLoad(vectors(server.port, 'vec-load', { pipeline: 4, threads: 2 }));
    expect([loaded.requests, loaded.errorCount]).toEqual([COUNT, 0]);
    expect(loaded.indexReadyMs).toBeGreaterThanOrEqual(0);
    const averages: number[] = [];
    for (const [efSearch, changes] of [
      [10, {}],
      [40, { threads: 2, pipeline: 3 }],
      [400, { rps: 2000 }],
    ] as const) {
      await using proxy = await startProxy(server.port);
      const { recall, operations } = await runLoad(
        vectors(proxy.port, 'vec-query', { length: { requests: 3 * QUERIES }, ...changes }, { efSearch }),
      );
      const recalls = await recallsOf(proxy);
      expect(operations).toEqual({ 'vec-query': 300 });
      expect(recalls).toHaveLength(300);
      const hits = recalls.reduce((sum, one) => sum + Math.round(one * K), 0);
      expect(recall).toEqual({
        k: K,
        queries: 300,
        avg: hits / (300 * K),
        min: Math.min(...recalls),
        max: Math.max(...recalls),
        perfect: recalls.filter((one) => one === 1).length,
        zero: recalls.filter((one) => one === 0).length,
      });
      averages.push(recall!.avg);
    }
    expect(averages[1]).toBeGreaterThan(averages[0]!);
    expect(averages[2]).toBeGreaterThan(0.98);
  });

  test('every query is asked equally often, in an order that the seed decides', async () => {
    await using server = await start();
    await runLoad(vectors(server.port, 'vec-load'));
    const asked = async (seed: number): Promise<string[]> => {
      await using proxy = await startProxy(server.port);
      await runLoad(
        vectors(proxy.port, 'vec-query', { clients: 1, seed, length: { requests: 2 * QUERIES } }),
      );
      return proxy
        .exchanges()
        .flatMap(([words]) =>
          words.filter((word) => word.length === DIM * 4).map((word) => word.toString('hex')),
        );
    };
    const first = await asked(3);
    const times = new Map<string, number>();
    for (const query of first) times.set(query, (times.get(query) ?? 0) + 1);
    expect([times.size, new Set(times.values())]).toEqual([QUERIES, new Set([2])]);
    expect(await asked(3)).toEqual(first);
    expect(await asked(4)).not.toEqual(first);
  });

  test('short replies lower the recall: its denominator stays k', async () => {
    await using server = await start();
    // Four vectors of the set are all that there is: no reply has more than four.
    await runLoad(vectors(server.port, 'vec-load', { length: { requests: 4 } }));
    const { recall, warnings } = await runLoad(
      vectors(server.port, 'vec-query', { length: { requests: QUERIES } }),
    );
    expect(recall!.max).toBeLessThanOrEqual(0.4);
    expect(recall!.zero).toBeGreaterThan(QUERIES / 2);
    expect(warnings.map(({ code }) => code)).toEqual(['other-vectors']);
  });

  test('vectors are updated and deleted, and nothing else is', async () => {
    await using server = await start();
    await ask(server.port, 'SET', 'mine', 'x');
    await runLoad(vectors(server.port, 'vec-load'));
    const updated = await runLoad(vectors(server.port, 'vec-update', { length: { requests: 200 } }));
    expect([updated.requests, updated.errorCount]).toEqual([200, 0]);
    const { recall } = await runLoad(
      vectors(server.port, 'vec-query', { length: { requests: QUERIES } }, { efSearch: 400 }),
    );
    expect(recall!.avg).toBeGreaterThan(0.97);
    await runLoad(vectors(server.port, 'vec-delete'));
    expect(await ask(server.port, 'DBSIZE')).toBe('1');
    await expect(runLoad(vectors(server.port, 'vec-query'))).rejects.toMatchObject({
      code: expect.stringMatching(/missing-index|empty-index/) as string,
    });
  });

  test('what would make recall mean nothing is refused, with its cause', async () => {
    await using server = await start();
    await expect(runLoad(vectors(server.port, 'vec-query'))).rejects.toMatchObject({ code: 'missing-index' });
    await runLoad(vectors(server.port, 'vec-load', {}, { index: 'i', prefix: 'p:' }));
    const other = { index: 'i', prefix: 'p:' };
    await expect(
      runLoad(vectors(server.port, 'vec-query', {}, { ...other, dataset: join(folder, 'wider') })),
    ).rejects.toMatchObject({ code: 'wrong-dimension', message: expect.stringMatching(/32 .*48/) as string });
    await expect(
      runLoad(vectors(server.port, 'vec-load', {}, { ...other, hnswM: 32 })),
    ).rejects.toMatchObject({
      code: 'index-differs',
      message: expect.stringMatching(/M 16, not 32/) as string,
    });
    await expect(
      runLoad(vectors(server.port, 'vec-query', {}, { ...other, dataset: join(folder, 'euclid') })),
    ).rejects.toMatchObject({ code: expect.stringMatching(/metric-differs|index-differs/) as string });
    await expect(runLoad(vectors(server.port, 'vec-query', {}, { ...other, k: 21 }))).rejects.toMatchObject({
      code: 'bad-k',
    });
  });
});

describe('the command', () => {
  needs('valkey-server');

  test('a server without vector search, and a missing index, are exit 4 and leave no result', async () => {
    await using valkey = await startServer();
    const none = await runCli(['-p', String(valkey.port), '-t', 'vec-query', '--dataset', dataset]);
    expect([none.code, none.stdout]).toEqual([4, '']);
    expect(none.stderr).toMatch(/knows neither FT\.\* commands nor vector sets/);
    await using engine = await startEngine({ perfMap: false });
    const missing = await runCli(['-p', String(engine.port), '-t', 'vec-query', '--dataset', dataset]);
    expect([missing.code, missing.stdout]).toEqual([4, '']);
    expect(missing.stderr).toMatch(
      /There is no index "small-2K-32-20".*Load it with: stagewatch load -t vec-load/,
    );
  });

  test('-q shows recall too; an index that is FLAT is told', async () => {
    await using engine = await startEngine({ perfMap: false });
    const create = `FT.CREATE small-2K-32-20 ON HASH PREFIX 1 zvec_small: SCHEMA embedding VECTOR FLAT 6 TYPE FLOAT32 DIM ${DIM} DISTANCE_METRIC COSINE`;
    await ask(engine.port, ...create.split(' '));
    const flags = ['-p', String(engine.port), '--dataset', dataset, '-q'];
    expect((await runCli([...flags, '-t', 'vec-load'])).stderr).toMatch(
      /^stagewatch: flat-index: small-2K-32-20 is FLAT/,
    );
    const exact = await runCli([...flags, '-t', 'vec-query', '--ef-search', '10', '-n', '100']);
    expect(exact.stdout).toMatch(/^VEC-QUERY: \S+ requests per second, p50=\S+ msec, recall=1\.0000\n$/);
    expect(exact.stderr).toMatch(/flat-index/);
  });
});
