import { afterAll, beforeAll, expect, test } from 'vitest';
import { BenchmarkConfig } from '../../../src/bench/config.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { locate } from '../../servers/locate.ts';
import { needs } from '../../servers/need.ts';
import { startServer, type RunningServer } from '../../servers/start.ts';

needs('valkey-server', 'valkey-benchmark');

let server: RunningServer;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

test.each([
  ['valkey-benchmark', locate('valkey-benchmark')],
  ['builtin', undefined],
])('%s measures GET of a real server', async (driverName, binary) => {
  const { driver } = await findDriver({
    operation: 'get',
    ...(binary === undefined ? { driver: 'builtin' } : { binary }),
  });
  const config = new BenchmarkConfig({
    port: server.port,
    operation: 'get',
    numRequests: 20_000,
    numThreads: 1,
    keyspace: 100,
  });
  const result = await driver.run(config, never);
  expect(result).toMatchObject({ driver: driverName, loop: 'closed', errors: [], config });
  expect(result.qps).toBeGreaterThan(100);
  expect(result.latencyP50).toBeLessThanOrEqual(result.latencyP99);
});
