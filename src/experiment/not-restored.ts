import { BenchmarkError } from '../bench/error.ts';
import type { Changes } from '../restore/changes.ts';

/** Says what is not as it was before, when all has been tried. @throws {BenchmarkError} not-restored */
export function demandRestored({ notRestored }: Pick<Changes, 'notRestored'>): void {
  if (notRestored.length === 0) return;
  const parts = notRestored.map(
    ({ setting, server, from, message }) =>
      `${setting}${server === undefined ? '' : ` of ${server}`} is to be "${from}" again: ${message}`,
  );
  throw new BenchmarkError('not-restored', `Not all could be put back. ${parts.join('; ')}`);
}
