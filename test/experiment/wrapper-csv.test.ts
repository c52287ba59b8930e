import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ValKeyBenchmarkWrapper } from '../../src/experiment/wrapper.ts';
import { TestFolder } from '../e2e/support.ts';
import { resultOf } from './results.ts';

const HEAD =
  'timestamp,qps,latency_avg,latency_p50,latency_p95,latency_p99,latency_max,recall_avg,recall_min,recall_max,baseline_latency,num_clients,num_threads,ef_search\n';

test('results are saved byte for byte as expected: full precision, nothing where nothing was measured', async () => {
  using folder = new TestFolder();
  const file = join(folder.path, 'results.csv');
  const query = resultOf(
    { numClients: 20, numThreads: 2, efSearch: 100 },
    { recallAvg: 0.9824, recallMin: 0, recallMax: 1, baselineLatencyAvg: 0.07 },
  );
  const get = resultOf({ operation: 'get' }, { qps: 101_234.567_890_123, timestamp: 1_700_000_001 });
  await new ValKeyBenchmarkWrapper().saveResultsCsv([query, get], file);
  expect(readFileSync(file, 'utf8')).toBe(
    `${HEAD}1700000000.125,15236,0.26,0.24,0.43,0.56,1.46,0.9824,0,1,0.07,20,2,100\n` +
      '1700000001,101234.567890123,0.26,0.24,0.43,0.56,1.46,,,,,10,4,\n',
  );
});

test('no results are a file with a head, so that an older one is not taken for them', async () => {
  using folder = new TestFolder();
  const file = join(folder.path, 'results.csv');
  const wrapper = new ValKeyBenchmarkWrapper();
  await wrapper.saveResultsCsv([resultOf({})], file);
  await wrapper.saveResultsCsv([], file);
  expect(readFileSync(file, 'utf8')).toBe(HEAD);
});

test('a file that cannot be written is a wrong use, named', async () => {
  using folder = new TestFolder();
  const file = join(folder.path, 'missing', 'results.csv');
  await expect(new ValKeyBenchmarkWrapper().saveResultsCsv([], file)).rejects.toMatchObject({
    name: 'UsageError',
    code: 'csv-file',
    message: expect.stringContaining(file) as string,
  });
});
