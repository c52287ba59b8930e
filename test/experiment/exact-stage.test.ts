import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../src/bench/config.ts';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { findDriver } from '../../src/bench/drivers/find.ts';
import type { BenchmarkResult } from '../../src/bench/result.ts';
import { inMonitor } from '../../src/experiment/in-monitor.ts';
import type { Hook } from '../../src/hook/contract.ts';
import { available, z } from '../../src/hook/index.ts';
import { readSession } from '../../src/session/read.ts';
import { commandCalls } from '../load/support.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';

needs('valkey-server', 'valkey-benchmark', 'redis-server');

type Calls = Readonly<Record<string, number>>;

let folder: string;
let server: RunningServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-exact-'));
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Counts the server's commands when capture begins and when it ends; slow, so that whoever does not wait is seen. */
function counting(port: number, counts: Calls[]): Hook {
  const count = async (): Promise<void> => {
    await sleep(200);
    counts.push(await commandCalls(port));
  };
  return {
    name: 'calls',
    description: 'counts commands',
    options: z.object({}),
    target: 'optional',
    probe: () => Promise.resolve(available),
    arm: () =>
      Promise.resolve({
        start: count,
        stop: count,
        collect: () => Promise.resolve([]),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

interface StageRun {
  readonly result: BenchmarkResult;
  /** What the server had done when capture had begun, and when it had ended. */
  readonly before: Calls;
  /** Commands that it did in between. */
  readonly during: Calls;
  readonly spanMs: number;
}

/** One run of a benchmark as a stage. */
async function runStage(binary: string | undefined, settings: BenchmarkSettings): Promise<StageRun> {
  const config = new BenchmarkConfig({ port: server.port, operation: 'get', ...settings });
  const { driver } = await findDriver({
    ...{ operation: config.operation, config },
    ...(binary === undefined ? { driver: 'builtin' } : { binary }),
  });
  const counts: Calls[] = [];
  const hook = counting(config.port, counts);
  let result: BenchmarkResult | undefined;
  const summary = await inMonitor(
    (room) =>
      room.stage({ name: config.operation }, async (window) => {
        result = await driver.run(config, room.signal, window);
      }),
    {
      ...{ watch: [], skip: [], hooksAsked: true, needsTarget: false, allTargets: false },
      ...{ outputDir: folder, label: 'exact', maxSpanMs: 60_000, about: {} },
      hooks: [{ hook, from: 'test', options: {} }],
      target: { by: 'name', names: ['no-such-server'] },
      stop: new AbortController().signal,
      hurry: new AbortController().signal,
    },
    () => {},
  );
  const { events } = await readSession(summary.folder);
  const spans = events.flatMap((event) => (event.type === 'span-end' ? [event.durationMs] : []));
  const [before = {}, after = {}] = counts;
  expect([counts.length, spans.length]).toEqual([2, 1]);
  const during = Object.entries(after).flatMap(([name, calls]): [string, number][] => {
    const made = calls - (before[name] ?? 0);
    return made > 0 ? [[name, made]] : [];
  });
  return { result: result!, before, during: Object.fromEntries(during), spanMs: spans[0]! };
}

/** What counting itself adds: it greets, and asks. */
const own = { ping: 1, info: 1 };

test.each([1, 4])(
  'the built-in load with %i threads: nothing but its requests, and all of them',
  async (numThreads) => {
    const before = await commandCalls(server.port);
    const run = await runStage(undefined, { numThreads, numRequests: 1_000, keyspace: 100 });
    expect(run.before['get']).toBe(before['get']);
    expect(run.before['ping']).toBeGreaterThan(before['ping'] ?? 0); // its base round trip
    expect(run.during).toEqual({ ...own, get: 1_000 });
    expect(run.result.requests).toBe(1_000);
    expect(run.spanMs).toBeGreaterThanOrEqual(run.result.durationMs!);
  },
);

test('its warm-up comes before', async () => {
  const before = await commandCalls(server.port);
  const run = await runStage(undefined, { numRequests: 1_000, keyspace: 100, warmupMs: 200 });
  expect(run.before['get']).toBeGreaterThan(before['get'] ?? 0);
  expect(run.during).toEqual({ ...own, get: 1_000 });
});

test('vectors: the dataset is opened and the index looked at before', async () => {
  await using vectors = await startServer({ program: 'redis-server' });
  const dataset = await makeDataset({
    ...{ output: join(folder, 'small'), count: 500, dim: 16, queries: 50, neighbors: 10 },
    ...{ metric: 'cosine', seed: 7 },
  });
  const settings = { port: vectors.port, dataset, numRequests: 500, numClients: 4, k: 10 };
  const loaded = await runStage(undefined, { ...settings, operation: 'vec-load' });
  expect(loaded.before['VADD']).toBeUndefined();
  expect(loaded.during['VADD']).toBe(500);
  const asked = await runStage(undefined, { ...settings, operation: 'vec-query', efSearch: 50 });
  expect(asked.during).toEqual({ ...own, VSIM: 500 });
});

test('valkey-benchmark: all of the program, and none of our own questions', async () => {
  const before = await commandCalls(server.port);
  const run = await runStage(locate('valkey-benchmark')!, { numRequests: 20_000 });
  expect(run.before['get']).toBe(before['get']);
  // It asks for two settings as it starts, and cannot be made to wait after that.
  expect(run.during).toMatchObject({ ...own, get: 20_000 });
});
