import type { BenchmarkResult } from '../bench/result.ts';
import type { Best, Constraints, LimitedBy, Trial } from './contract.ts';

/** Does a result hold what is asked, as it reads? */
export function keeps(
  { recallAvg, latencyP99 }: Pick<BenchmarkResult, 'recallAvg' | 'latencyP99'>,
  { minRecall, maxLatencyP99 }: Constraints,
): boolean {
  return (
    (minRecall === undefined || (recallAvg !== null && recallAvg >= minRecall)) &&
    (maxLatencyP99 === undefined || latencyP99 <= maxLatencyP99)
  );
}

/** What the nearest point lacks, in words. */
export function shortfall({ result }: Best, { minRecall, maxLatencyP99 }: Constraints): string {
  const lacks: string[] = [];
  if (minRecall !== undefined && result.recallAvg === null) lacks.push('the benchmark measured no recall');
  else if (minRecall !== undefined && result.recallAvg !== null && result.recallAvg < minRecall)
    lacks.push(`the highest recall is ${result.recallAvg.toFixed(4)}, and ${minRecall} is wanted`);
  if (maxLatencyP99 !== undefined && result.latencyP99 > maxLatencyP99)
    lacks.push(
      `the lowest p99 is ${result.latencyP99.toPrecision(4)} ms, and at most ${maxLatencyP99} ms is wanted`,
    );
  return `No point of the range holds the constraints: ${lacks.join('; ') || 'none was certain to'}.`;
}

/** The constraint for which points of higher QPS were turned away; saturation where none was. */
export function limitThatBinds(trials: readonly Trial[], best: Best, constraints: Constraints): LimitedBy {
  const faster = trials.flatMap(({ outcome }) =>
    outcome.state === 'measured' && outcome.result.qps > best.result.qps ? [outcome.result] : [],
  );
  const { maxLatencyP99, minRecall } = constraints;
  if (maxLatencyP99 !== undefined && faster.some((result) => result.latencyP99 > maxLatencyP99)) return 'p99';
  if (minRecall !== undefined && faster.some((result) => (result.recallAvg ?? 0) < minRecall))
    return 'recall';
  return 'saturation';
}
