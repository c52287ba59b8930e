import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import { findDriver } from '../../src/bench/drivers/find.ts';
import { startEngine } from '../../src/engine/start.ts';
import {
  measurePayloads,
  type Payload,
  type PayloadOptions,
  type PayloadPoint,
} from '../../src/experiment/payload-impact.ts';
import { runLoad } from '../../src/load/load.ts';
import { DEFAULTS } from '../../src/load/options.ts';
import { TestFolder } from '../e2e/support.ts';
import { ask, local } from '../load/support.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { PlainRoom } from './room.ts';

needs('valkey-server');

async function optionsFor(
  port: number,
  payload: Payload,
  more: { dataset?: string } = {},
): Promise<PayloadOptions> {
  const operation = payload.kind === 'content' ? 'vec-query' : 'get';
  const base = new BenchmarkConfig({
    port,
    operation,
    numClients: 5,
    numThreads: 1,
    durationMs: 1_000,
    ...more,
  });
  return {
    address: { host: '127.0.0.1', port },
    base,
    payload,
    driver: (await findDriver({ operation, driver: 'builtin' })).driver,
    preparations: [],
  };
}

const values = (changes: Partial<Payload & { kind: 'values' }> = {}): Payload => ({
  kind: 'values',
  operations: ['set', 'get'],
  sizes: [16, 1024],
  keys: 5_000,
  ...changes,
});

test('bytes are those of the protocol, and memory is what MEMORY USAGE says', async () => {
  await using server = await startServer();
  await ask(server.port, 'SET', 'theirs', '1');
  const room = new PlainRoom();
  const sample = new Map<number, number>();
  const points = await measurePayloads(await optionsFor(server.port, values()), room, () => {});
  expect(room.stages).toEqual(['set:size_16', 'get:size_16', 'set:size_1024', 'get:size_1024']);
  const prefix = /keys:(\S+) /.exec(room.settings[0]!)![1]!;
  const key = `${prefix}key:000000000001`;
  for (const size of [16, 1024]) {
    await ask(server.port, 'SET', key, 'x'.repeat(size));
    sample.set(size, Number(await ask(server.port, 'MEMORY', 'USAGE', key)));
  }
  await ask(server.port, 'DEL', key);
  for (const point of points) {
    if (point.state !== 'measured') throw point.error;
    const { operation, valueBytes, bytes, bytesPerKey } = point;
    const value = `$${valueBytes}\r\n${'x'.repeat(valueBytes!)}\r\n`.length;
    const name = `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`.length;
    expect(bytes!.requests).toBeGreaterThan(100);
    // Requests that were received but not answered yet, and the other way round, at either end.
    const within = (got: number, exact: number): void => {
      expect(got / exact).toBeGreaterThan(0.98);
      expect(got / exact).toBeLessThan(1.02);
    };
    within(bytes!.outPerRequest, operation === 'get' ? value : '+OK\r\n'.length);
    within(bytes!.inPerRequest, operation === 'get' ? name : name + value);
    // The table of keys may have grown, by 8 to 16 bytes a key and twice while it does.
    expect(bytesPerKey!).toBeGreaterThan(sample.get(valueBytes!)! - 16);
    expect(bytesPerKey!).toBeLessThan(sample.get(valueBytes!)! + 48);
  }
  expect(await ask(server.port, 'DBSIZE')).toBe('1');
});

const dim = 64;

/** Makes a dataset, and loads it. @returns its path. */
async function loadVectors(folder: string, port: number, metric: 'l2' | 'cosine'): Promise<string> {
  const output = join(folder, 'pay');
  const dataset = await makeDataset({
    output,
    count: 2_000,
    dim,
    queries: 100,
    neighbors: 10,
    metric,
    seed: 1,
  });
  const { k, field, hnswM, efConstruction } = DEFAULTS;
  const operation = 'vec-load';
  await runLoad({
    ...DEFAULTS,
    server: local(port),
    work: { kind: 'vectors', name: operation, operation, dataset, k, field, hnswM, efConstruction },
    clients: 10,
    cluster: false,
  });
  return dataset;
}

test.skipIf(locate('redis-server') === undefined)(
  'a vector set has no content: that is told, and is no failure; a vector has its share of the key',
  async () => {
    using folder = new TestFolder();
    await using server = await startServer({ program: 'redis-server' });
    const dataset = await loadVectors(folder.path, server.port, 'cosine');
    const options = await optionsFor(server.port, { kind: 'content', prefix: 'zvec_pay:' }, { dataset });
    const room = new PlainRoom();
    const [point, ...others] = await measurePayloads(options, room, () => {});
    expect(others).toEqual([]);
    expect(point).toMatchObject({ state: 'measured', stage: 'vec-query:nocontent' });
    expect(point!.bytesPerKey).toBeGreaterThan(dim * 4);
    expect(point!.bytesPerKey).toBeLessThan(10 * dim * 4);
    expect(room.events).toContainEqual(expect.objectContaining({ type: 'notice', code: 'no-content' }));
  },
);

test('replies with content are larger by their vectors, and recall is the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-payload-'));
  try {
    await using engine = await startEngine({ perfMap: false });
    const dataset = await loadVectors(folder, engine.port, 'l2');
    const options = await optionsFor(engine.port, { kind: 'content', prefix: 'zvec_pay:' }, { dataset });
    const room = new PlainRoom();
    const points = (await measurePayloads(options, room, () => {})).map((point) => {
      if (point.state === 'failed') throw point.error;
      return point;
    });
    expect(room.stages).toEqual(['vec-query:nocontent', 'vec-query:content']);
    const [without, withContent] = points as [(typeof points)[0], (typeof points)[0]];
    // Each run ends in the middle of a round of the queries.
    expect(withContent.result.recallAvg! / without.result.recallAvg!).toBeCloseTo(1, 1);
    expect(withContent.bytes!.outPerRequest - without.bytes!.outPerRequest).toBeGreaterThan(10 * dim * 4);
    expect(withContent.bytes!.inPerRequest).toBeLessThan(without.bytes!.inPerRequest);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a server that has no room for it is not filled', async () => {
  await using server = await startServer({
    args: ['--maxmemory', '8mb', '--maxmemory-policy', 'allkeys-lru'],
  });
  const room = new PlainRoom();
  await expect(
    measurePayloads(await optionsFor(server.port, values({ sizes: [4096] })), room, () => {}),
  ).rejects.toMatchObject({ name: 'UsageError', code: 'too-much-data' });
  expect(room.settings).toEqual([]);
});

test('Ctrl-C gives the points so far, and removes the keys', async () => {
  await using server = await startServer();
  const room = new PlainRoom();
  const seen: PayloadPoint[] = [];
  const points = await measurePayloads(await optionsFor(server.port, values()), room, (point) => {
    seen.push(point);
    room.stop();
  });
  expect(points).toHaveLength(1);
  expect(seen).toEqual(points);
  expect(await ask(server.port, 'DBSIZE')).toBe('0');
});
