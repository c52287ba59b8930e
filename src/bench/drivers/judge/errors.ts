import type { BenchmarkConfig } from '../../config.ts';
import { BenchmarkError } from '../../error.ts';
import type { ErrorTally } from '../../result.ts';
import type { Reading } from '../reading.ts';
import type { Refusals } from '../server-watch.ts';
import { isMix, normalised } from '../settings.ts';

/** Ways to another node of a cluster: the request is sent again there. */
const redirections = ['MOVED', 'ASK'] as const;

/**
 * Error replies, as the program and the server counted them.
 * @param refusals of the server during the run; none where the program counts all of them itself.
 * @throws {BenchmarkError} error-replies, unless they are allowed; and always when nothing else came.
 */
export function judgeErrors(
  { errors, requests, name }: Reading,
  config: BenchmarkConfig,
  refusals: Refusals,
): ErrorTally[] {
  const tally = [...errors.filter(({ count }) => count > 0), ...tallyOf(refusals, commandsOf(config))];
  const total = tally.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return [];
  const isAll = requests !== null && total >= requests;
  if (config.allowErrors && !isAll) return tally;
  const kinds = tally.map(({ kind, count }) => `${count} x ${kind}`).join(', ');
  const of = requests === null ? '' : ` of ${requests}`;
  throw new BenchmarkError(
    'error-replies',
    `${total}${of} replies to ${name} were errors: ${kinds}.${isAll ? '' : ' --allow-errors makes them part of the result.'}`,
  );
}

/**
 * What the server refused of the run's own commands. Other clients fail too (a monitor that asks for an index which is
 * not there): error replies of other commands are not held against the run.
 */
function tallyOf({ kinds, commands }: Refusals, own: ReadonlySet<string>): ErrorTally[] {
  const redirected = redirections.reduce((sum, kind) => sum + (kinds.get(kind) ?? 0), 0);
  let left = [...commands].reduce((sum, [name, count]) => sum + (own.has(name) ? count : 0), 0) - redirected;
  const tally: ErrorTally[] = [];
  const others = [...kinds].filter(([kind]) => !(redirections as readonly string[]).includes(kind));
  // What others ask in vain (CLUSTER NODES of a single server, commands that it does not know) is a plain ERR.
  const rank = (kind: string): number => (kind === 'ERR' ? 1 : 0);
  for (const [kind, count] of others.sort(([a, m], [b, n]) => rank(a) - rank(b) || n - m)) {
    if (left <= 0) break;
    tally.push({ kind, count: Math.min(count, left) });
    left -= count;
  }
  if (left > 0) tally.push({ kind: 'unknown', count: left });
  return tally;
}

/** As the server names them. Words of the user's own arguments may be a command too. */
function commandsOf({ operation, extraArgs }: BenchmarkConfig): ReadonlySet<string> {
  const names = isMix(operation)
    ? normalised(operation)
        .split(',')
        .map((entry) => entry.split(':')[0]!)
    : [normalised(operation)];
  const own = names.flatMap((name) => {
    if (name === 'vec-query') return ['ft.search', 'vsim'];
    if (name.startsWith('vec-')) return ['hset', 'vadd'];
    return name.startsWith('lrange') ? ['lrange', 'lpush'] : [name.replace(/^ping_.*/, 'ping')];
  });
  return new Set([...own, ...extraArgs.map((word) => word.toLowerCase())]);
}
