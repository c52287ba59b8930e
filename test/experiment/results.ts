import { BenchmarkConfig, type BenchmarkSettings } from '../../src/bench/config.ts';
import { BenchmarkResult, type Measurement } from '../../src/bench/result.ts';

/** A result as a driver would make it; what a test looks at is said by the test. */
export function resultOf(settings: BenchmarkSettings, measured: Partial<Measurement> = {}): BenchmarkResult {
  return new BenchmarkResult({
    qps: 15_236,
    latencyAvg: 0.26,
    latencyP50: 0.24,
    latencyP95: 0.43,
    latencyP99: 0.56,
    latencyMax: 1.46,
    recallAvg: null,
    recallMin: null,
    recallMax: null,
    baselineLatencyAvg: null,
    errors: [],
    requests: 2000,
    durationMs: 131.3,
    timestamp: 1_700_000_000.125,
    driver: 'builtin',
    loop: 'closed',
    warnings: [],
    ...measured,
    config: new BenchmarkConfig(settings),
  });
}
