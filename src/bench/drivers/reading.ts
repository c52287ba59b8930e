import type { BenchmarkSettings } from '../config.ts';
import type { ErrorTally, ResultWarning } from '../result.ts';

/** What a program says of one test, before it is judged. */
export interface Reading {
  /** The test, as the program names it. */
  readonly name: string;
  /** As printed; may be no number that means anything. */
  readonly qps: number;
  /** Latencies in ms. */
  readonly latencyAvg: number;
  readonly latencyP50: number;
  readonly latencyP95: number;
  readonly latencyP99: number;
  readonly latencyMax: number;
  /** 0 to 1; null where the program says nothing of it. */
  readonly recallAvg: number | null;
  readonly recallMin: number | null;
  readonly recallMax: number | null;
  readonly baselineLatencyAvg: number | null;
  /** As the program counted them. */
  readonly errors: readonly ErrorTally[];
  readonly requests: number | null;
  readonly durationMs: number | null;
  readonly warnings: readonly ResultWarning[];
  /** What was measured in place of what was asked for: a program's own optimizer chose it. */
  readonly settings?: BenchmarkSettings;
}

/** What a result without recall, base round trip, counts or errors has there. */
export const silent = {
  recallAvg: null,
  recallMin: null,
  recallMax: null,
  baselineLatencyAvg: null,
  errors: [],
  requests: null,
  durationMs: null,
  warnings: [],
} as const satisfies Partial<Reading>;
