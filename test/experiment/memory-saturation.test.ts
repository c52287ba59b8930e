import { expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../src/bench/config.ts';
import { findDriver } from '../../src/bench/drivers/find.ts';
import {
  type MemoryOptions,
  type MemoryStep,
  saturateMemory,
} from '../../src/experiment/memory-saturation.ts';
import { planServerChanges } from '../../src/experiment/server-changes.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { PlainRoom } from './room.ts';

needs('valkey-server');

const MB = 1024 ** 2;

async function optionsFor(
  port: number,
  serverConfig: Record<string, string>,
  changes: Partial<MemoryOptions> = {},
  settings: BenchmarkSettings = {},
): Promise<MemoryOptions> {
  const address = { host: '127.0.0.1', port };
  const base = new BenchmarkConfig({
    port,
    operation: 'set',
    numClients: 5,
    numThreads: 1,
    numRequests: 5_000,
    dataSize: 512,
    serverConfig,
    ...settings,
  });
  const yes = changes.yes ?? false;
  return {
    address,
    base,
    percents: [50, 75, 100],
    driver: (await findDriver({ operation: base.operation, driver: 'builtin' })).driver,
    preparations: planServerChanges({ address, base, tuned: [], yes }).preparations,
    yes,
    ...changes,
  };
}

type Run = Extract<MemoryStep, { readonly state: 'measured' | 'refused' | 'failed' }>;
const runs = (steps: readonly MemoryStep[]): Run[] =>
  steps.map((step) => {
    if (step.state === 'skipped' || step.state === 'failed') throw new Error(JSON.stringify(step));
    return step;
  });
const filled = ({ before }: Run): number => Math.round((before.usedBytes / before.maxmemoryBytes) * 100);

test('each level is reached, and at the limit keys are evicted; nothing of it is left', async () => {
  await using server = await startServer();
  const room = new PlainRoom();
  const options = await optionsFor(server.port, {
    maxmemory: String(24 * MB),
    'maxmemory-policy': 'allkeys-lru',
  });
  const steps = runs(await saturateMemory(options, room, () => {}));
  expect(room.stages).toEqual(['set:mem_50', 'set:mem_75', 'set:mem_100']);
  for (const [i, percent] of [50, 75, 100].entries()) {
    expect(filled(steps[i]!)).toBeGreaterThanOrEqual(percent - 2);
    expect(filled(steps[i]!)).toBeLessThanOrEqual(percent + 2);
  }
  expect(steps.map(({ counts }) => counts.evictedKeys > 0)).toEqual([false, false, true]);
  expect(steps.map(({ counts }) => counts.oomErrors)).toEqual([0, 0, 0]);
  for (const step of steps) {
    expect(step.after.rssBytes).toBeGreaterThan(step.after.usedBytes / 2);
    expect(step.state === 'measured' && step.result.qps).toBeGreaterThan(100);
  }
  expect(await ask(server.port, 'DBSIZE')).toBe('0');
  expect(room.settings.slice(-3).map((line) => line.replace(/memory:[0-9a-f]{8}/, 'memory:ID'))).toEqual([
    'restored keys:stagewatch:memory:ID: none->some',
    'restored config:maxmemory-policy noeviction->allkeys-lru',
    `restored config:maxmemory 0->${24 * MB}`,
  ]);
});

test('a full server that may evict nothing refuses every write, and still reads', async () => {
  await using server = await startServer({
    args: ['--maxmemory', '16mb', '--maxmemory-policy', 'noeviction'],
  });
  for (const operation of ['set', 'get:0.5,set:0.5']) {
    const options = await optionsFor(server.port, {}, {}, { operation });
    const [half, , full] = runs(await saturateMemory(options, new PlainRoom(), () => {}));
    expect(half).toMatchObject({ state: 'measured', counts: { evictedKeys: 0, oomErrors: 0 } });
    expect(full!.counts.evictedKeys).toBe(0);
    // When a table of keys has grown, and its old one is freed, some writes fit in again.
    expect(full!.counts.oomErrors).toBeGreaterThan(1_000);
    const toldByLoad =
      full!.state === 'measured' ? full!.result.errors : [{ kind: 'OOM', count: full!.counts.oomErrors }];
    expect(toldByLoad).toEqual([{ kind: 'OOM', count: full!.counts.oomErrors }]);
    expect(await ask(server.port, 'DBSIZE')).toBe('0');
  }
});

test('only our own keys are removed, and a level that was passed before is left out', async () => {
  await using server = await startServer({ args: ['--maxmemory', '16mb'] });
  for (let i = 0; i < 9; i++) await ask(server.port, 'SET', `theirs:${i}`, 'x'.repeat(MB));
  const options = await optionsFor(server.port, {}, { percents: [50, 90], yes: true });
  const steps = await saturateMemory(options, new PlainRoom(), () => {});
  expect(steps).toMatchObject([
    { state: 'skipped', message: expect.stringMatching(/^\d\d % of maxmemory was in use/) as string },
    { state: 'measured' },
  ]);
  expect(await ask(server.port, 'DBSIZE')).toBe('9');
});

test('what would do harm, or mean nothing, is refused before anything is changed', async () => {
  await using server = await startServer();
  const refused = async (code: string, ...args: Parameters<typeof optionsFor>): Promise<void> => {
    const room = new PlainRoom();
    await expect(saturateMemory(await optionsFor(...args), room, () => {})).rejects.toMatchObject({
      name: 'UsageError',
      code,
    });
    expect(room.settings).toEqual([]);
  };
  await refused('no-maxmemory', server.port, {});
  await refused('maxmemory-too-small', server.port, { maxmemory: '100kb' });
  await refused('not-enough-memory', server.port, { maxmemory: '100000gb' });
  await refused('bad-operation', server.port, { maxmemory: '16mb' }, {}, { operation: 'lpush' });
  await ask(server.port, 'SET', 'theirs', '1');
  await refused('needs-yes', server.port, { maxmemory: '16mb' });
});

test('Ctrl-C in the middle gives the steps so far, and puts everything back', async () => {
  await using server = await startServer();
  const room = new PlainRoom();
  const options = await optionsFor(server.port, { maxmemory: '24mb' });
  const steps = await saturateMemory(options, room, (event) => {
    if (event.type === 'filling' && event.percent === 75) room.stop();
  });
  expect(steps.map(({ percent }) => percent)).toEqual([50]);
  expect(await ask(server.port, 'DBSIZE')).toBe('0');
  expect(room.settings.at(-1)).toBe('restored config:maxmemory 0->24mb');
});
