import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import type { Driver } from '../../../src/bench/driver.ts';
import { makeDataset } from '../../../src/bench/dataset/make.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { startEngine } from '../../../src/engine/start.ts';
import { Secret } from '../../../src/valkey/credentials.ts';
import { startCluster } from '../../load/cluster.ts';
import { locate } from '../../servers/locate.ts';
import { needs } from '../../servers/need.ts';
import { ask, startServer, type RunningServer } from '../../servers/start.ts';
import { Programs } from './stand-in.ts';

needs('valkey-server');

const never = new AbortController().signal;
let server: RunningServer;
let driver: Driver;

beforeAll(async () => {
  server = await startServer();
  driver = (await findDriver({ operation: 'get', driver: 'builtin' })).driver;
});
afterAll(async () => server[Symbol.asyncDispose]());

const config = (settings: BenchmarkSettings = {}): BenchmarkConfig =>
  new BenchmarkConfig({
    port: server.port,
    operation: 'get',
    numRequests: 5_000,
    keyspace: 100,
    ...settings,
  });

test('it measures a real server in a process of its own, more threads than connections or not', async () => {
  const asked = config({ numClients: 2, numThreads: 4 });
  const result = await driver.run(asked, never);
  expect(result).toMatchObject({
    driver: 'builtin',
    loop: 'closed',
    requests: 5_000,
    errors: [],
    config: asked,
  });
  expect(result.baselineLatencyAvg).toBeGreaterThan(0);
  expect(result.durationMs).toBeGreaterThan(0);
  expect(result.qps).toBeCloseTo(5_000 / (result.durationMs! / 1000), 3);
  expect(driver.commandLine(asked).join(' ')).toBe(
    `stagewatch load -h 127.0.0.1 -p ${server.port} -c 2 --threads 2 -n 5000 -r 100 -t get`,
  );
});

test('what is asked for becomes flags of the load', () => {
  const line = (settings: BenchmarkSettings): string => driver.commandLine(config(settings)).join(' ');
  const tls = { ca: 'ca.pem', cert: 'me.pem', key: 'me.key', sni: 'db', skipVerify: true };
  expect(line({ tls, user: 'alice', auth: new Secret('s3cret') })).toContain(
    '--user alice --tls --tls-ca-cert ca.pem --tls-cert me.pem --tls-key me.key --tls-sni db --tls-skip-verify -c',
  );
  expect(
    line({
      ...{ durationMs: 1500, warmupMs: 200, pipeline: 8, rps: 100, dataSize: 64, seed: 7, cluster: true },
      ...{ allowErrors: true, extraArgs: ['--verbose'], prefixArgs: ['--dbnum', '2'] },
    }),
  ).toContain(
    '-P 8 --duration 1500ms --warmup 200ms --rps 100 -r 100 -d 64 --seed 7 --cluster --allow-errors --dbnum 2 -t get --verbose',
  );
  const vector = {
    dataset: 'c10k',
    k: 5,
    efSearch: 50,
    searchIndex: 'i',
    searchPrefix: 'p:',
    searchVectorField: 'v',
  };
  expect(line({ ...vector, operation: 'vec-query' })).toContain(
    '--dataset c10k -k 5 --ef-search 50 --search-index i --search-prefix p: --search-vector-field v -t vec-query',
  );
  expect(line({ ...vector, operation: 'vec-load', hnswM: 8, efConstruction: 90 })).toContain(
    '--search-vector-field v --hnsw-m 8 --ef-construction 90 -t vec-load',
  );
});

test('a mix on schedule', async () => {
  const asked = config({ operation: 'get:0.5,set:0.5', rps: 2_000, durationMs: 1_000, warmupMs: 100 });
  const result = await driver.run(asked, never);
  expect(result).toMatchObject({ loop: 'open' });
  expect(result.requests).toBeGreaterThan(0);
});

test('a password gets there, and no argument list shows it', async () => {
  await using locked = await startServer({ args: ['--requirepass', 's3cret'] });
  const seen: (readonly string[])[] = [];
  const asked = config({ port: locked.port, auth: new Secret('s3cret') });
  const result = await driver.run(asked, never, { started: (argv) => seen.push(argv) });
  expect(result.errors).toEqual([]);
  expect(JSON.stringify([seen, driver.commandLine(asked), result.config])).not.toContain('s3cret');
  const wrong = config({ port: locked.port, auth: new Secret('nope') });
  await expect(driver.run(wrong, never)).rejects.toMatchObject({ code: 'wrong-password' });
});

test('error replies fail a run, unless they are allowed and others came', async () => {
  await using other = await startServer();
  await ask(other.port, 'SET mylist text\r\n');
  const asked = (operation: string, allowErrors: boolean): BenchmarkConfig =>
    config({ port: other.port, operation, allowErrors, numRequests: 1000 });
  await expect(driver.run(asked('lpush:1,get:1', false), never)).rejects.toMatchObject({
    ...{ name: 'BenchmarkError', code: 'error-replies' },
    message: expect.stringMatching(/\d+ of 1000 replies .* x WRONGTYPE/) as string,
  });
  const { errors, requests } = await driver.run(asked('lpush:1,get:1', true), never);
  expect(requests).toBe(1000);
  expect(errors).toEqual([{ kind: 'WRONGTYPE', count: expect.any(Number) as number }]);
  expect(errors[0]!.count).toBeGreaterThan(300);
  await expect(driver.run(asked('lpush', true), never)).rejects.toMatchObject({ code: 'error-replies' });
});

test('a cluster is found out, and clients are spread over it', async () => {
  await using cluster = await startCluster();
  const seen: (readonly string[])[] = [];
  const asked = config({ port: cluster.ports[0]!, operation: 'set', keyspace: 1000 });
  const { requests } = await driver.run(asked, never, { started: (argv) => seen.push(argv) });
  expect(requests).toBe(5_000);
  expect(seen[0]).toContain('--cluster');
  expect(await ask(cluster.ports[2]!, 'DBSIZE\r\n')).toMatch(/^:[1-9]/);
});

test('what the load refuses is a slip of the user, and what it cannot do has its code', async () => {
  const slip = config({ extraArgs: ['--no-such-flag'] });
  await expect(driver.run(slip, never)).rejects.toMatchObject({
    ...{ name: 'UsageError', message: expect.stringContaining('--no-such-flag') as string },
  });
  const nowhere = config({ operation: 'vec-query', dataset: '/no/such' });
  await expect(driver.run(nowhere, never)).rejects.toMatchObject({
    ...{ name: 'UsageError', message: expect.stringContaining('/no/such') as string },
  });
});

test('an abort ends it, and a time limit too', async () => {
  const stop = new AbortController();
  const endless = config({ durationMs: 60_000 });
  const running = driver.run(endless, stop.signal, { started: () => setTimeout(() => stop.abort(), 500) });
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  await expect(driver.run(endless.with({ timeoutMs: 700 }), never)).rejects.toMatchObject({
    code: 'timeout',
  });
});

describe.each([
  ['the engine', () => startEngine({ port: 0 })],
  ['Redis 8 vector sets', () => startServer({ program: 'redis-server' })],
] as const)('vectors on %s', (name, start) => {
  test.skipIf(name.startsWith('Redis') && locate('redis-server') === undefined)(
    'load, then query: recall rises with ef',
    async () => {
      await using folder = await Programs.open();
      const dataset = await makeDataset({
        ...{
          output: `${folder.folder}/small`,
          count: 2000,
          dim: 32,
          queries: 100,
          neighbors: 20,
          metric: 'cosine',
          seed: 7,
        },
      });
      await using vectors = await start();
      const asked = config({
        port: vectors.port,
        operation: 'vec-load',
        dataset,
        numRequests: 2000,
        numClients: 4,
      });
      const query = (efSearch: number) =>
        driver.run(asked.with({ operation: 'vec-query', numRequests: 500, efSearch }), never);
      await expect(query(100)).rejects.toMatchObject({ code: 'missing-index' });
      const loaded = await driver.run(asked, never);
      expect(loaded).toMatchObject({ requests: 2000, recallAvg: null });
      const [low, high] = [await query(10), await query(200)];
      expect(high).toMatchObject({ requests: 500, errors: [] });
      expect(high.recallAvg).toBeGreaterThan(0.95);
      expect(high.recallAvg!).toBeGreaterThanOrEqual(low.recallAvg!);
      expect(low.recallMin!).toBeLessThanOrEqual(low.recallAvg!);
    },
  );
});
