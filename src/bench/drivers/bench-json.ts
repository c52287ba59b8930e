import { z } from 'zod';
import { silent, type Reading } from './reading.ts';

const document = z.object({
  tests: z.array(
    z.object({
      summary: z.object({
        test_name: z.string(),
        throughput: z.number(),
        duration_secs: z.number(),
        total_ops: z.number(),
        total_errors: z.number(),
        latency: z.object({
          mean_ms: z.number(),
          p50_ms: z.number(),
          p95_ms: z.number(),
          p99_ms: z.number(),
          max_ms: z.number(),
        }),
      }),
    }),
  ),
});

/** What valkey-bench-rs writes with `-o`: all digits, but neither recall nor base round trip. Undefined when it is no such file. */
export function readBenchJson(text: string): Reading[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, data } = document.safeParse(parsed);
  if (!success) return undefined;
  return data.tests.map(({ summary }) => ({
    ...silent,
    name: summary.test_name,
    qps: summary.throughput,
    latencyAvg: summary.latency.mean_ms,
    latencyP50: summary.latency.p50_ms,
    latencyP95: summary.latency.p95_ms,
    latencyP99: summary.latency.p99_ms,
    latencyMax: summary.latency.max_ms,
    errors: summary.total_errors === 0 ? [] : [{ kind: 'unknown', count: summary.total_errors }],
    requests: summary.total_ops,
    durationMs: summary.duration_secs * 1000,
  }));
}

/** Text shows whole requests a second, and latencies with two decimals. */
const roundedRate = 1;
const roundedMs = 0.011;

/**
 * The text's result with the digits of the JSON's. Where the two differ by more than rounding the file is of another
 * run (an `-o` among the driver's arguments, say), and the text counts.
 */
export function withDigits(text: Reading, json: Reading): Reading {
  const near = (key: keyof Reading & `latency${string}`): boolean =>
    Math.abs(text[key] - json[key]) <= roundedMs;
  const isSame =
    Math.abs(text.qps - json.qps) <= roundedRate &&
    (['latencyAvg', 'latencyP50', 'latencyP95', 'latencyP99', 'latencyMax'] as const).every(near);
  if (!isSame) return text;
  const { recallAvg, recallMin, recallMax, baselineLatencyAvg, warnings, name } = text;
  return { ...json, name, recallAvg, recallMin, recallMax, baselineLatencyAvg, warnings };
}
