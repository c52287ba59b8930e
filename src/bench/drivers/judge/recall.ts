import { parseFtInfo } from '../../../valkey/ftinfo.ts';
import type { BenchmarkConfig } from '../../config.ts';
import { BenchmarkError, ParseError } from '../../error.ts';
import type { Reading } from '../reading.ts';
import type { ServerWatch } from '../server-watch.ts';

/** An index as the server says, by its name; or the key of a vector set. */
export type IndexFound =
  | { readonly state: 'found'; readonly vectors: number }
  | { readonly state: 'missing' }
  /** The server does not tell: no right to ask, or no such command. */
  | { readonly state: 'unknown' };

/** @throws {StagewatchError} when the server is not there. */
export async function findIndex(watch: ServerWatch, index: string): Promise<IndexFound> {
  const info = await watch.ask(['FT.INFO', index]);
  if (info !== undefined) {
    const vectors = parseFtInfo(info)?.documents;
    return vectors === undefined ? { state: 'unknown' } : { state: 'found', vectors };
  }
  const indexes = await watch.ask(['FT._LIST']);
  if (Array.isArray(indexes)) return { state: 'missing' };
  const card = await watch.ask(['VCARD', index]);
  if (card === undefined) return { state: 'unknown' };
  return typeof card === 'number' ? { state: 'found', vectors: card } : { state: 'missing' };
}

/** Before a query: there must be something to find. @throws {BenchmarkError} missing-index, empty-index. */
export async function requireVectors(watch: ServerWatch, index: string, loadWith: string): Promise<void> {
  const found = await findIndex(watch, index);
  if (found.state === 'missing')
    throw new BenchmarkError(
      'missing-index',
      `There is no index "${index}" on ${watch.where}: recall would be 0. Load it with: ${loadWith}`,
    );
  if (found.state === 'found' && found.vectors === 0)
    throw new BenchmarkError(
      'empty-index',
      `${index} on ${watch.where} holds no vectors: recall would be 0. Load it with: ${loadWith}`,
    );
}

/**
 * Is the recall one? Operations but vec-query have none.
 * @throws {ParseError} no-recall, impossible-figures. @throws {BenchmarkError} empty-index, zero-recall.
 */
export async function judgeRecall(
  reading: Reading,
  config: BenchmarkConfig,
  watch: ServerWatch,
  program: string,
): Promise<void> {
  const { recallAvg, recallMin, recallMax } = reading;
  const all = [recallAvg, recallMin, recallMax].filter((recall) => recall !== null);
  if (all.some((recall) => !(recall >= 0 && recall <= 1)))
    throw new ParseError(
      'impossible-figures',
      `${program} reports a recall outside 0 to 1: avg=${recallAvg} min=${recallMin} max=${recallMax}.`,
    );
  if (config.operation !== 'vec-query') return;
  if (recallAvg === null)
    throw new ParseError('no-recall', `${program} reports no recall for vec-query: it cannot be judged.`);
  if (recallAvg > 0) return;
  if (config.searchIndex !== undefined) {
    const found = await findIndex(watch, config.searchIndex);
    if (found.state === 'missing' || (found.state === 'found' && found.vectors === 0))
      throw new BenchmarkError(
        'empty-index',
        `${config.searchIndex} on ${watch.where} holds no vectors: recall is 0, and the figures mean nothing.`,
      );
  }
  throw new BenchmarkError(
    'zero-recall',
    `${program} reports recall 0: no query found one of its neighbours. The index holds other vectors, or other keys (--search-prefix), than the dataset.`,
  );
}
