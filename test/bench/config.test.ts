import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import { BenchmarkResult } from '../../src/bench/result.ts';
import { Secret } from '../../src/valkey/credentials.ts';

test('a configuration has the defaults that users of the old wrapper know', () => {
  const config = new BenchmarkConfig({ host: 'db' });
  expect(config).toMatchObject({
    host: 'db',
    port: 6379,
    operation: 'vec-query',
    numClients: 10,
    numThreads: 4,
    numRequests: 10_000,
    k: 10,
  });
  expect(config.efSearch).toBeUndefined();
});

test('a changed copy leaves the first as it was, and undefined takes a setting away', () => {
  const config = new BenchmarkConfig({ efSearch: 100, numClients: 20 });
  expect(config.with({ numClients: 40 })).toMatchObject({ efSearch: 100, numClients: 40 });
  expect(config.with({ efSearch: undefined as never }).efSearch).toBeUndefined();
  expect(config.numClients).toBe(20);
});

test.each([{ numClients: 0 }, { numThreads: 1.5 }, { k: Number.NaN }, { port: 70_000 }, { efSearch: 0 }])(
  '%j is refused by name',
  (settings) => {
    expect(() => new BenchmarkConfig(settings)).toThrow(new RegExp(Object.keys(settings)[0]!));
  },
);

test('neither a configuration nor a result shows the password', () => {
  const config = new BenchmarkConfig({ auth: new Secret('hunter2') });
  expect(JSON.stringify(config)).not.toContain('hunter2');
  expect(JSON.stringify(resultOf(config))).not.toContain('hunter2');
});

test('a result reads as the old one printed', () => {
  expect(String(resultOf(new BenchmarkConfig()))).toBe(
    'QPS: 1234.6\n' +
      'Latency: avg=1.250ms, p50=1.000ms, p95=2.000ms, p99=3.000ms\n' +
      'Recall: avg=95.50%, min=80.00%, max=100.00%\n' +
      'Baseline: 0.250ms (overhead: 1.000ms)',
  );
});

function resultOf(config: BenchmarkConfig): BenchmarkResult {
  return new BenchmarkResult({
    qps: 1234.56,
    latencyAvg: 1.25,
    latencyP50: 1,
    latencyP95: 2,
    latencyP99: 3,
    latencyMax: 4,
    recallAvg: 0.955,
    recallMin: 0.8,
    recallMax: 1,
    baselineLatencyAvg: 0.25,
    errors: [],
    requests: 1000,
    durationMs: 810,
    config,
    timestamp: 1_790_000_000,
    driver: 'builtin',
    loop: 'closed',
    warnings: [],
  });
}
