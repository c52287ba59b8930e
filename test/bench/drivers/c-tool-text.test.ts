import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../../src/bench/config.ts';
import { readCToolText } from '../../../src/bench/drivers/c-tool-text.ts';
import { readBenchRs } from '../../../src/bench/drivers/valkey-bench-rs-result.ts';
import { recording } from './recordings.ts';

const vectorRun = `====== VEC-QUERY ======
  10000 requests completed in 2.05 seconds
  10 parallel clients

baseline network latency (msec):
          avg       min       p50       p95       p99       max
        0.080     0.016     0.079     0.127     0.199     0.503

Summary:
  throughput summary: 4878.05 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        2.031     0.512     1.927     3.263     4.095    11.503

====== DATASET RECALL STATISTICS ======
  Dataset: mkds
  Queries evaluated: 10000
  Recall@10:
    Average:  95.67% [Ext: 95.70%]
    Min:      60.00% [Ext: 60.00%]
    Max:      100.00% [Ext: 100.00%]

  Query distribution:
`;

test('the older tool: throughput, latencies, base round trip and recall in percent', () => {
  const config = new BenchmarkConfig({ operation: 'vec-query' });
  expect(readBenchRs({ stdout: vectorRun, lastLines: [] }, undefined, config, 'x')).toEqual({
    ...{ name: 'VEC-QUERY', qps: 4878.05, requests: 10_000, durationMs: 2050, errors: [], warnings: [] },
    ...{ latencyAvg: 2.031, latencyP50: 1.927, latencyP95: 3.263, latencyP99: 4.095, latencyMax: 11.503 },
    ...{ recallAvg: 0.9567, recallMin: 0.6, recallMax: 1, baselineLatencyAvg: 0.08 },
  });
});

test('the older optimizer says its recall as a fraction, and no title', () => {
  const text = `${vectorRun.slice(vectorRun.indexOf('  throughput'), vectorRun.indexOf('====== DATASET'))}Recall Avg: 0.9847\n`;
  const config = new BenchmarkConfig({ operation: 'vec-query' });
  expect(readBenchRs({ stdout: text, lastLines: [] }, undefined, config, 'x')).toMatchObject({
    ...{ qps: 4878.05, latencyP99: 4.095, recallAvg: 0.9847, recallMin: null },
  });
});

test('default-8.0.1 is the same text, with progress lines before it', () => {
  const read = readCToolText(recording('valkey-benchmark/default-8.0.1').stdout);
  expect(read).toMatchObject({
    state: 'read',
    readings: [
      {
        ...{ name: 'SET', qps: 59880.24, requests: 20_000, durationMs: 330, recallAvg: null },
        ...{ latencyAvg: 0.097, latencyP50: 0.095, latencyP95: 0.159, latencyP99: 0.223, latencyMax: 4.239 },
      },
      {
        ...{ name: 'GET', qps: 62111.8, requests: 20_000, durationMs: 320 },
        ...{ latencyAvg: 0.094, latencyP50: 0.087, latencyP95: 0.127, latencyP99: 0.207, latencyMax: 4.207 },
      },
    ],
  });
});

test('a summary that is cut is broken', () => {
  for (const until of ['  latency summary', '        2.031', '     4.095'])
    expect(readCToolText(vectorRun.slice(0, vectorRun.indexOf(until))).state).toBe('broken');
});
