import { expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { runLoad } from '../../src/load/load.ts';
import { DEFAULTS, type LoadOptions, type VectorOperation } from '../../src/load/options.ts';
import type { RecallSummary } from '../../src/load/result.ts';
import { TemporaryFolder } from '../bench/dataset/files.ts';
import { importMnist } from '../bench/dataset/mnist.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { local } from './support.ts';

needs('redis-server');

test.each([
  ['Redis 8 vector sets', 'cosine', () => startServer({ program: 'redis-server' })],
  ['the embedded engine', 'l2', () => startEngine({ perfMap: false })],
] as const)(
  'real digits are imported, loaded and queried: %s',
  async (_, metric, start) => {
    using folder = new TemporaryFolder();
    const { path: dataset, count } = await importMnist(folder, { queries: 100, neighbors: 10, metric });
    await using server = await start();
    const options = (operation: VectorOperation, efSearch: number): LoadOptions => ({
      ...DEFAULTS,
      server: local(server.port),
      cluster: false,
      work: {
        ...DEFAULTS,
        kind: 'vectors',
        name: operation,
        operation,
        dataset,
        efSearch,
        efConstruction: 64,
      },
    });
    const loaded = await runLoad(options('vec-load', 10));
    expect([loaded.requests, loaded.errorCount]).toEqual([count, 0]);
    const recalls: RecallSummary[] = [];
    for (const ef of [10, 200])
      recalls.push((await runLoad({ ...options('vec-query', ef), length: { requests: 200 } })).recall!);
    expect(recalls.map(({ queries }) => queries)).toEqual([200, 200]);
    expect(recalls[1]!.avg).toBeGreaterThan(recalls[0]!.avg);
    expect(recalls[1]!.avg).toBeGreaterThan(0.99);
  },
  180_000,
);
