import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';

/** One column of a CSV file: its name, and what stands in it for a run, whose result is missing where it failed. */
type ResultColumn = readonly [
  name: string,
  of: (config: BenchmarkConfig, result: BenchmarkResult | undefined) => number | null | undefined,
];

/** In the order that scripts which read these files expect; latencies in ms, recall 0 to 1, time in Unix seconds. */
export const resultColumns: readonly ResultColumn[] = [
  ['timestamp', (_, result) => result?.timestamp],
  ['qps', (_, result) => result?.qps],
  ['latency_avg', (_, result) => result?.latencyAvg],
  ['latency_p50', (_, result) => result?.latencyP50],
  ['latency_p95', (_, result) => result?.latencyP95],
  ['latency_p99', (_, result) => result?.latencyP99],
  ['latency_max', (_, result) => result?.latencyMax],
  ['recall_avg', (_, result) => result?.recallAvg],
  ['recall_min', (_, result) => result?.recallMin],
  ['recall_max', (_, result) => result?.recallMax],
  ['baseline_latency', (_, result) => result?.baselineLatencyAvg],
  ['num_clients', ({ numClients }) => numClients],
  ['num_threads', ({ numThreads }) => numThreads],
  ['ef_search', ({ efSearch }) => efSearch],
];
