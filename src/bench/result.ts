import type { BenchmarkConfig } from './config.ts';

/** Replies that were errors, by kind. */
export interface ErrorTally {
  /** `OOM`, `WRONGTYPE`; `unknown` where the program only counts. */
  readonly kind: string;
  readonly count: number;
}

/** What a driver makes of one run. */
export interface Measurement {
  /** Requests answered without error, per second, over the measured time. */
  readonly qps: number;
  /** Latencies in ms. */
  readonly latencyAvg: number;
  readonly latencyP50: number;
  readonly latencyP95: number;
  readonly latencyP99: number;
  readonly latencyMax: number;
  /** 0 to 1; null for operations without recall. */
  readonly recallAvg: number | null;
  readonly recallMin: number | null;
  readonly recallMax: number | null;
  /** Base round trip (PING), ms; null where it was not measured. */
  readonly baselineLatencyAvg: number | null;
  readonly errors: readonly ErrorTally[];
  /** Requests answered; null where the program does not say. */
  readonly requests: number | null;
  /** From the first request to the last reply, ms; null where the program does not say. */
  readonly durationMs: number | null;
  readonly config: BenchmarkConfig;
  /** When the run ended, Unix seconds. */
  readonly timestamp: number;
  /** `valkey-bench-rs`, `valkey-benchmark`, `builtin`. */
  readonly driver: string;
  readonly loop: 'closed' | 'open';
  /** What casts doubt on these figures, in words. */
  readonly warnings: readonly ResultWarning[];
}

export interface ResultWarning {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly message: string;
}

/** The result of one benchmark run. */
export class BenchmarkResult implements Measurement {
  declare readonly qps: number;
  declare readonly latencyAvg: number;
  declare readonly latencyP50: number;
  declare readonly latencyP95: number;
  declare readonly latencyP99: number;
  declare readonly latencyMax: number;
  declare readonly recallAvg: number | null;
  declare readonly recallMin: number | null;
  declare readonly recallMax: number | null;
  declare readonly baselineLatencyAvg: number | null;
  declare readonly errors: readonly ErrorTally[];
  declare readonly requests: number | null;
  declare readonly durationMs: number | null;
  declare readonly config: BenchmarkConfig;
  declare readonly timestamp: number;
  declare readonly driver: string;
  declare readonly loop: 'closed' | 'open';
  declare readonly warnings: readonly ResultWarning[];

  constructor(measured: Measurement) {
    Object.assign(this, measured);
  }

  /** A few lines for people: QPS, latencies, and recall and base round trip where they were measured. */
  toString(): string {
    const ms = (value: number): string => `${value.toFixed(3)}ms`;
    const percent = (value: number | null): string => (value === null ? '-' : `${(value * 100).toFixed(2)}%`);
    const lines = [
      `QPS: ${this.qps.toFixed(1)}`,
      `Latency: avg=${ms(this.latencyAvg)}, p50=${ms(this.latencyP50)}, p95=${ms(this.latencyP95)}, p99=${ms(this.latencyP99)}`,
    ];
    if (this.recallAvg !== null)
      lines.push(
        `Recall: avg=${percent(this.recallAvg)}, min=${percent(this.recallMin)}, max=${percent(this.recallMax)}`,
      );
    if (this.baselineLatencyAvg !== null)
      lines.push(
        `Baseline: ${ms(this.baselineLatencyAvg)} (overhead: ${ms(this.latencyAvg - this.baselineLatencyAvg)})`,
      );
    return lines.join('\n');
  }
}
