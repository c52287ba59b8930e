import type { BenchmarkConfig } from '../../config.ts';
import { BenchmarkError } from '../../error.ts';
import type { ErrorTally } from '../../result.ts';
import type { Reading } from '../reading.ts';

/** Ways to another node of a cluster: the request is sent again there. */
const redirections = new Set(['MOVED', 'ASK']);

/**
 * Programs ask what a server may not know (CLUSTER NODES of a single one, FT.INFO of an index that they then make), and
 * other clients err too: so many error replies of a kind are not held against a run.
 */
const toleratedOfServer = 20;

/**
 * Error replies, as the program and the server counted them.
 * @param refused what the server counted during the run; empty where the program counts all of them itself.
 * @throws {BenchmarkError} error-replies, unless they are allowed; and always when nothing else came.
 */
export function judgeErrors(
  { errors, requests, name }: Reading,
  config: BenchmarkConfig,
  refused: ReadonlyMap<string, number>,
): ErrorTally[] {
  const ofServer = [...refused]
    .filter(([kind, count]) => !redirections.has(kind) && count > toleratedOfServer)
    .map(([kind, count]) => ({ kind, count }));
  const tally = [...errors.filter(({ count }) => count > 0), ...ofServer];
  const total = tally.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [];
  const isAll = requests !== null && total >= requests;
  if (config.allowErrors && !isAll) return tally;
  const kinds = tally.map(({ kind, count }) => `${count} x ${kind}`).join(', ');
  const of = requests === null ? '' : ` of ${requests}`;
  throw new BenchmarkError(
    'error-replies',
    `${total}${of} replies to ${name} were errors: ${kinds}.${isAll ? '' : ' They can be allowed (allowErrors), and are then part of the result.'}`,
  );
}
