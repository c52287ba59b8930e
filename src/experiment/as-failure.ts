import { BenchmarkError } from '../bench/error.ts';
import { MissingError, StagewatchError, UsageError } from '../error.ts';

/**
 * Runs the work; what cannot be asked cannot be measured, so a server that is lost or refuses us is a failed benchmark.
 * @throws {BenchmarkError} in place of other failures that have a code; what else the work throws, as it is.
 */
export async function asFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isPlain = error instanceof StagewatchError && !(error instanceof BenchmarkError);
    if (!isPlain || error instanceof UsageError || error instanceof MissingError) throw error;
    throw new BenchmarkError(error.code, error.message, { cause: error });
  }
}
