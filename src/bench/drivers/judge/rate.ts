import type { BenchmarkConfig } from '../../config.ts';
import type { ResultWarning } from '../../result.ts';
import type { Reading } from '../reading.ts';

/** A schedule of a second or more is kept within this by a program that keeps schedules. */
const tolerance = 0.1;

/** Was the asked rate delivered? valkey-bench-rs 0.1.0 delivers 1.7 to 2 times `--rps`. */
export function judgeRate({ qps }: Reading, { rps }: BenchmarkConfig, program: string): ResultWarning[] {
  if (rps === undefined) return [];
  const got = `${Math.round(qps)} requests a second were made where ${rps} were asked for`;
  if (qps > rps * (1 + tolerance))
    return [
      {
        code: 'rate-exceeded',
        message: `${got}: ${program} does not keep its rate, and latencies are of the higher one.`,
      },
    ];
  if (qps < rps * (1 - tolerance))
    return [
      {
        code: 'rate-not-reached',
        message: `${got}: that is more than the server, the connections or ${program} can do.`,
      },
    ];
  return [];
}
