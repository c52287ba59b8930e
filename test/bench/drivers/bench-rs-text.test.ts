import { describe, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import { readBenchJson } from '../../../src/bench/drivers/bench-json.ts';
import { readBenchText } from '../../../src/bench/drivers/bench-text.ts';
import { readOptimizerText } from '../../../src/bench/drivers/optimizer-text.ts';
import { readBenchRs } from '../../../src/bench/drivers/valkey-bench-rs-result.ts';
import { recording } from './recordings.ts';

const ms = (value: number): unknown => expect.closeTo(value, 6);
const none = { recallAvg: null, recallMin: null, recallMax: null };

function read(
  name: string,
  operation: string,
  { withJson = true, ...settings }: BenchmarkSettings & { withJson?: boolean } = {},
) {
  const { stdout, lastLines, json } = recording(`valkey-bench-rs/${name}`);
  const config = new BenchmarkConfig({ ...settings, operation });
  return readBenchRs({ stdout, lastLines }, withJson ? json : undefined, config, 'valkey-bench-rs');
}

describe('recordings of valkey-bench-rs', () => {
  test('ping', () => {
    expect(read('ping', 'ping')).toEqual({
      ...{ name: 'PING', qps: 32227, requests: 100_000, durationMs: 3100, ...none, errors: [], warnings: [] },
      ...{ latencyAvg: 0.31, latencyP50: 0.13, latencyP95: 1.15, latencyP99: 3.89, latencyMax: 109.63 },
      baselineLatencyAvg: 0.15,
    });
  });

  test('set-get: each test has a result of its own, and misses are told', () => {
    expect(read('set-get', 'set', { withJson: false })).toMatchObject({
      ...{ name: 'SET', qps: 34422, requests: 100_000, durationMs: 2910, baselineLatencyAvg: 0.31 },
      ...{ latencyAvg: 0.29, latencyP50: 0.12, latencyP95: 0.98, latencyP99: 4.39, latencyMax: 108.22 },
      warnings: [],
    });
    const get = read('set-get', 'get', { withJson: false });
    expect(get).toMatchObject({
      ...{ name: 'GET', qps: 38225, requests: 100_000, durationMs: 2620 },
      ...{ latencyAvg: 0.26, latencyP50: 0.19, latencyP95: 0.35, latencyP99: 2.07, latencyMax: 85.31 },
    });
    expect(get.warnings).toEqual([
      { code: 'misses', message: expect.stringContaining('19 % of the keys') as string },
    ]);
  });

  test('set-get.json, which is of another run, does not change what the text says', () => {
    expect(read('set-get', 'set').qps).toBe(34422);
    expect(readBenchJson(recording('valkey-bench-rs/set-get').json!)).toEqual([
      {
        ...{ name: 'SET', qps: 29536.55085624814, requests: 100_000, durationMs: ms(3385.635665), ...none },
        ...{ latencyAvg: 0.33750982000000007, latencyP50: 0.175, latencyP95: 1.286, latencyP99: 3.553 },
        ...{ latencyMax: 17.359, baselineLatencyAvg: null, errors: [], warnings: [] },
      },
      {
        ...{ name: 'GET', qps: 33030.09195330204, requests: 100_000, durationMs: ms(3027.542283), ...none },
        ...{ latencyAvg: 0.3017410800000001, latencyP50: 0.13, latencyP95: 1.171, latencyP99: 3.013 },
        ...{ latencyMax: 43.039, baselineLatencyAvg: null, errors: [], warnings: [] },
      },
    ]);
  });

  test('set-quiet-json-csv: with -q the file is all there is', () => {
    expect(recording('valkey-bench-rs/set-quiet-json-csv').stdout).toBe('');
    expect(read('set-quiet-json-csv', 'set')).toMatchObject({
      ...{ name: 'SET', qps: 35923.29940187311, requests: 20_000, durationMs: ms(556.741734) },
      ...{ latencyAvg: 0.2714446999999999, latencyP50: 0.05, latencyP95: 0.721, latencyP99: 6.467 },
      ...{ latencyMax: 23.135, baselineLatencyAvg: null },
    });
  });

  test('cluster-auto: statistics of the nodes stand between the results', () => {
    expect(read('cluster-auto', 'set')).toMatchObject({
      ...{ name: 'SET', qps: 54685, requests: 50_000, durationMs: 910, baselineLatencyAvg: 0.04 },
      ...{ latencyAvg: 0.65, latencyP50: 0.51, latencyP95: 1.11, latencyP99: 4.89, latencyMax: 36.19 },
    });
    expect(read('cluster-auto', 'get')).toMatchObject({
      ...{ name: 'GET', qps: 57962, requests: 50_000, durationMs: 860 },
      ...{ latencyAvg: 0.61, latencyP50: 0.27, latencyP95: 1.07, latencyP99: 11.58, latencyMax: 32.59 },
      warnings: [{ code: 'misses', message: expect.stringContaining('30485 of 50000') as string }],
    });
  });

  test('parallel: a mix is one result', () => {
    expect(read('parallel', 'get:0.8,set:0.2')).toMatchObject({
      ...{ name: 'GET:80%+SET:20%', qps: 46945, requests: 20_000, durationMs: 430 },
      ...{ latencyAvg: 0.21, latencyP50: 0.15, latencyP95: 0.32, latencyP99: 3.32, latencyMax: 12.19 },
    });
  });

  test('vec-load: all digits come from the file', () => {
    expect(read('vec-load', 'vec-load')).toEqual({
      ...{ name: 'VECLOAD', qps: 8101.811931673895, requests: 10_000, durationMs: ms(1234.291796), ...none },
      ...{ latencyAvg: 0.49151010000000095, latencyP50: 0.464, latencyP95: 0.768, latencyP99: 1.047 },
      ...{ latencyMax: 4.611, baselineLatencyAvg: 0.07, errors: [], warnings: [] },
    });
  });

  test('vec-query: recall comes from the text, all else from the file', () => {
    expect(read('vec-query', 'vec-query')).toEqual({
      ...{ name: 'VECQUERY', qps: 15236.661308643928, requests: 2000, durationMs: ms(131.262352) },
      ...{ latencyAvg: 0.25574749999999996, latencyP50: 0.243, latencyP95: 0.433, latencyP99: 0.564 },
      ...{ latencyMax: 1.455, recallAvg: 0.9824, recallMin: 0.8, recallMax: 1, baselineLatencyAvg: 0.07 },
      ...{ errors: [], warnings: [] },
    });
    expect(read('vec-query', 'vec-query', { withJson: false })).toMatchObject({
      ...{ qps: 15236, latencyAvg: 0.26, latencyP99: 0.56, latencyMax: 1.46, recallAvg: 0.9824 },
    });
  });

  test('optimize-set: the best configuration is the result', () => {
    expect(read('optimize-set', 'set')).toMatchObject({
      ...{ name: 'set', qps: 54765.133, ...none, requests: null },
      ...{ latencyAvg: 0.2177, latencyP50: 0.186, latencyP95: 0.341, latencyP99: 0.474, latencyMax: 12.127 },
      warnings: [{ code: 'optimized', message: expect.stringContaining('clients=12') as string }],
    });
  });

  test('optimize-vec-query', () => {
    const { stdout } = recording('valkey-bench-rs/optimize-vec-query');
    const found = readOptimizerText(stdout, 'vec-query', true);
    expect(found).toMatchObject({
      state: 'found',
      reading: {
        ...{ qps: 4051.67, recallAvg: 0.8954, latencyAvg: 0.4878, latencyP50: 0.463 },
        ...{ latencyP95: 0.666, latencyP99: 0.955, latencyMax: 13.159 },
      },
    });
    expect(found.state === 'found' && [...found.parameters]).toEqual([
      ['clients', 2],
      ['ef_search', 150],
    ]);
  });

  test.each([
    ['err-unknown-test', 'nosuch', 'Configuration error: Unknown test: nosuch'],
    ['err-refused', 'ping', 'Connection refused'],
    ['err-bad-value', 'ping', "try '--help'"],
    ['auth-wrong', 'set', 'WRONGPASS invalid username-password pair'],
    ['cli-info-cluster', 'get', 'cluster_enabled:0'],
  ])('%s has no result, and its last line is told', (name, operation, last) => {
    const { exitCode } = recording(`valkey-bench-rs/${name}`);
    expect(exitCode).toBe({ 'err-bad-value': 2, 'cli-info-cluster': 0 }[name] ?? 1);
    expect(() => read(name, operation)).toThrow(
      expect.objectContaining({
        ...{ name: 'ParseError', code: 'no-result' },
        message: expect.stringContaining(last) as string,
      }),
    );
  });
});

describe('output that is cut', () => {
  test('half a result is no result, wherever it ends', () => {
    const { stdout } = recording('valkey-bench-rs/vec-query');
    const config = new BenchmarkConfig({ operation: 'vec-query' });
    const [begin, end] = [stdout.indexOf('=== VECQUERY'), stdout.indexOf('Recall: avg')];
    for (let at = begin; at < end; at++)
      expect(() =>
        readBenchRs({ stdout: stdout.slice(0, at), lastLines: [] }, undefined, config, 'x'),
      ).toThrow(expect.objectContaining({ name: 'ParseError' }));
  });

  test('an optimizer that was cut, and one that found nothing', () => {
    const { stdout } = recording('valkey-bench-rs/optimize-set');
    const upTo = (title: string): string => stdout.slice(0, stdout.indexOf(title));
    expect(readOptimizerText(upTo('[ 2]'), 'set', false)).toEqual({ state: 'broken' });
    expect(readOptimizerText(upTo('  p99_ms: 0.4740'), 'set', false)).toEqual({ state: 'broken' });
    expect(readOptimizerText(upTo('=== Best Configuration'), 'set', false)).toEqual({ state: 'infeasible' });
  });

  test('errors in the text are counted', () => {
    const { stdout } = recording('valkey-bench-rs/ping');
    const text = readBenchText(stdout.replace('Duration: 3.10s', 'Duration: 3.10s | Errors: 1,234'));
    expect(text).toMatchObject({ readings: [{ errors: [{ kind: 'unknown', count: 1234 }] }] });
  });
});
