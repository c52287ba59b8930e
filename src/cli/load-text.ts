import type { LoadResult } from '../load/result.ts';
import { printable } from './text.ts';

/** `complete`; `failed` when error replies came that were not allowed for; `partial` when it was ended early. */
export type LoadState = 'complete' | 'failed' | 'partial';

export function stateOf(result: LoadResult, allowErrors: boolean): LoadState {
  if (result.errorCount > 0 && !allowErrors) return 'failed';
  return result.partial ? 'partial' : 'complete';
}

/** As valkey-benchmark shows it: its own tests in capitals, a command as it was given. */
function titleOf({ name }: LoadResult): string {
  return printable(name.includes(' ') ? name : name.toUpperCase(), 200);
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const ms = (value: number): string => value.toFixed(value < 0.1 ? 3 : 2);

/** One result for people, in the shape that users of vector benchmarks know. */
export function resultText(result: LoadResult, state: LoadState): string {
  const { latency, recall, open, series } = result;
  const mark = state === 'complete' ? '' : ` (${state.toUpperCase()})`;
  const errors = result.errorCount > 0 ? ` | Errors: ${count(result.errorCount)}` : '';
  const lines = [
    `=== ${titleOf(result)} ===${mark}`,
    `Throughput: ${count(result.throughput)} req/s | Requests: ${count(result.requests)} | Duration: ${(result.durationMs / 1000).toFixed(2)}s${errors}`,
    latency === null
      ? 'Latency (ms): none, since no request succeeded'
      : `Latency (ms): avg=${ms(latency.avgMs)} p50=${ms(latency.p50Ms)} p95=${ms(latency.p95Ms)} p99=${ms(latency.p99Ms)} p99.9=${ms(latency.p999Ms)} max=${ms(latency.maxMs)} min=${ms(latency.minMs)}`,
  ];
  if (recall)
    lines.push(
      `Recall: avg=${recall.avg.toFixed(4)} min=${recall.min.toFixed(4)} max=${recall.max.toFixed(4)} | perfect=${recall.perfect} zero=${recall.zero} | k=${recall.k}`,
    );
  lines.push(`Base RTT: PING avg=${ms(result.baseRtt.avgMs)}ms p99=${ms(result.baseRtt.p99Ms)}ms`);
  lines.push(
    open === null
      ? 'Loop: closed (each client waits for its reply: a stall delays few requests, and is hardly seen in the percentiles; --rps shows it)'
      : `Loop: open at ${count(open.rps)} req/s, latency from the intended send time | late=${count(open.late)} unsent=${count(open.unsent)}`,
  );
  const names = Object.entries(result.operations);
  if (names.length > 1)
    lines.push(`Requests: ${names.map(([name, made]) => `${printable(name)}=${count(made)}`).join(' ')}`);
  if (result.redirected > 0) lines.push(`Redirected: ${count(result.redirected)}`);
  if (result.indexReadyMs !== undefined)
    lines.push(`Index ready: ${(result.indexReadyMs / 1000).toFixed(2)}s after the last write`);
  if (series.length > 2) {
    const rates = series.slice(0, -1).map(({ requests }) => requests);
    lines.push(
      `Each second: lowest ${count(Math.min(...rates))} req/s, highest ${count(Math.max(...rates))} req/s`,
    );
  }
  for (const { kind, count: times, example } of result.errors)
    lines.push(`Error ${printable(kind)}: ${count(times)} x, first: ${printable(example, 200)}`);
  return `${lines.join('\n')}\n`;
}

/** Each kind with its first message: the cause, also where the result itself is not shown. */
export function errorKinds({ errors }: LoadResult): string {
  return errors
    .map(
      ({ kind, count: times, example }) => `${printable(kind)} ${count(times)} x: ${printable(example, 200)}`,
    )
    .join('; ');
}

/** As valkey-benchmark -q has it, and recall, which it does not know. */
export function quietText(result: LoadResult, state: LoadState): string {
  const p50 = result.latency === null ? 'none' : `${result.latency.p50Ms.toFixed(3)} msec`;
  const recall = result.recall === null ? '' : `, recall=${result.recall.avg.toFixed(4)}`;
  const mark =
    state === 'complete' ? '' : ` (${state}${result.errorCount > 0 ? `, ${result.errorCount} errors` : ''})`;
  return `${titleOf(result)}: ${result.throughput.toFixed(2)} requests per second, p50=${p50}${recall}${mark}\n`;
}

/** A result as JSON shows it: all but the histograms, which have a log of their own. */
export function resultJson(result: LoadResult, state: LoadState): Record<string, unknown> {
  const { histograms: _, ...shown } = result;
  return { state, ...shown };
}

/** The columns of valkey-benchmark --csv, and ours behind them. */
export function resultRow(result: LoadResult, state: LoadState): Record<string, unknown> {
  const { latency, recall, open } = result;
  return {
    test: titleOf(result),
    rps: result.throughput.toFixed(2),
    avg_latency_ms: latency?.avgMs.toFixed(3),
    min_latency_ms: latency?.minMs.toFixed(3),
    p50_latency_ms: latency?.p50Ms.toFixed(3),
    p95_latency_ms: latency?.p95Ms.toFixed(3),
    p99_latency_ms: latency?.p99Ms.toFixed(3),
    max_latency_ms: latency?.maxMs.toFixed(3),
    p999_latency_ms: latency?.p999Ms.toFixed(3),
    state,
    loop: result.loop,
    requests: result.requests,
    errors: result.errorCount,
    duration_s: (result.durationMs / 1000).toFixed(3),
    recall_avg: recall?.avg,
    recall_min: recall?.min,
    recall_max: recall?.max,
    recall_perfect: recall?.perfect,
    recall_zero: recall?.zero,
    late: open?.late,
    unsent: open?.unsent,
    clients: result.clients,
    threads: result.threads,
    pipeline: result.pipeline,
  };
}
