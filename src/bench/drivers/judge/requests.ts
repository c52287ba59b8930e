import type { BenchmarkConfig } from '../../config.ts';
import { BenchmarkError } from '../../error.ts';
import type { Reading } from '../reading.ts';

/** Was all of it done? @throws {BenchmarkError} too-few-requests. */
export function judgeRequests({ requests, name }: Reading, config: BenchmarkConfig): void {
  if (requests === null || config.durationMs !== undefined) return;
  // vec-load of a small dataset is done when all of it is in.
  if (config.operation === 'vec-load') return;
  if (requests < config.numRequests)
    throw new BenchmarkError(
      'too-few-requests',
      `${name} answered ${requests} of ${config.numRequests} requests, and says no more: the run was cut short, and its figures mean nothing.`,
    );
}
