import { BenchmarkError, ParseError } from '../../error.ts';
import type { Reading } from '../reading.ts';

/** Printed with three decimals: so much may a percentile be over the next one, ms. */
const roundingMs = 0.01;

/**
 * Are these figures that a run can have?
 * @throws {BenchmarkError} too-short, nothing-answered. @throws {ParseError} impossible-figures.
 */
export function judgeFigures(reading: Reading, program: string): void {
  const { qps, latencyAvg, latencyP50, latencyP95, latencyP99, latencyMax } = reading;
  // Time is counted in ms by some: fewer than that, and requests are divided by 0.
  if (qps === Infinity)
    throw new BenchmarkError(
      'too-short',
      `${program} took no measurable time for ${reading.name}: ask for more requests.`,
    );
  if (qps === 0)
    throw new BenchmarkError(
      'nothing-answered',
      `${program} reports 0 requests a second for ${reading.name}: nothing was measured.`,
    );
  const latencies = [latencyP50, latencyP95, latencyP99, latencyMax];
  const rising = latencies.every((ms, i) => i === 0 || ms >= latencies[i - 1]! - roundingMs);
  const whole = [qps, latencyAvg, ...latencies].every((value) => Number.isFinite(value) && value >= 0);
  if (!whole || !rising)
    throw new ParseError(
      'impossible-figures',
      `${program} reports figures for ${reading.name} that no run has: ${qps} req/s, avg=${latencyAvg} p50=${latencyP50} p95=${latencyP95} p99=${latencyP99} max=${latencyMax} ms.`,
    );
}
