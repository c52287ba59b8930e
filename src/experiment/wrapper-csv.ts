import { stringify } from 'csv-stringify/sync';
import type { BenchmarkResult } from '../bench/result.ts';

/** Columns in the order that scripts which read these files expect; latencies in ms, recall 0 to 1, time in Unix seconds. */
const COLUMNS: readonly (readonly [
  name: string,
  of: (result: BenchmarkResult) => number | null | undefined,
])[] = [
  ['timestamp', (result) => result.timestamp],
  ['qps', (result) => result.qps],
  ['latency_avg', (result) => result.latencyAvg],
  ['latency_p50', (result) => result.latencyP50],
  ['latency_p95', (result) => result.latencyP95],
  ['latency_p99', (result) => result.latencyP99],
  ['latency_max', (result) => result.latencyMax],
  ['recall_avg', (result) => result.recallAvg],
  ['recall_min', (result) => result.recallMin],
  ['recall_max', (result) => result.recallMax],
  ['baseline_latency', (result) => result.baselineLatencyAvg],
  ['num_clients', (result) => result.config.numClients],
  ['num_threads', (result) => result.config.numThreads],
  ['ef_search', (result) => result.config.efSearch],
];

/** A head and one row for each result; what was not measured is empty. Numbers are in full precision, lines end in LF. */
export function formatResultsCsv(results: readonly BenchmarkResult[]): string {
  const head = COLUMNS.map(([name]) => name);
  return stringify([head, ...results.map((result) => COLUMNS.map(([, of]) => of(result)))]);
}
