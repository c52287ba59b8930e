import type { Dataset } from './dataset.ts';
import type { GroundTruth } from './ground-truth.ts';
import type { Metric } from './metric.ts';
import { GROUP, interleave, scoreGroup } from './scores.ts';

export type Verdict =
  | { readonly state: 'same' }
  | { readonly state: 'tied' } // other ids, just as near
  | { readonly state: 'wrong'; readonly reason: string };

/**
 * Other programs compute in single precision, where near distances become equal: relative to the sizes of the
 * vectors, a dozen units in the last place.
 */
const TOLERANCE = 2e-6;

/** Whether listed neighbours are as near as those that brute force found. */
export async function compareNeighbors(
  dataset: Pick<Dataset, 'readVectors' | 'dim'>,
  metric: Metric,
  query: Float32Array,
  listed: Uint32Array,
  exact: GroundTruth,
): Promise<Verdict> {
  if (listed.every((id, i) => id === exact.ids[i])) return { state: 'same' };
  if (new Set(listed).size < listed.length) return { state: 'wrong', reason: 'it lists an id twice' };
  const group = interleave(query, 0, dataset.dim);
  const scores = new Float64Array(GROUP);
  const queryLength = lengthOf(query);
  for (const [i, id] of listed.entries()) {
    if (id === exact.ids[i]) continue;
    const vector = await dataset.readVectors(id, 1);
    scoreGroup(metric, vector, 1, dataset.dim, group, scores);
    const found = exact.scores[i]!;
    if (Math.abs(scores[0]! - found) > TOLERANCE * scaleOf(metric, queryLength, lengthOf(vector)))
      return {
        state: 'wrong',
        reason: `neighbour ${i} is ${id}, at ${scores[0]!.toPrecision(6)}; by brute force it is ${exact.ids[i]}, at ${found.toPrecision(6)}`,
      };
  }
  return { state: 'tied' };
}

/** The size of what a score is a difference of. */
function scaleOf(metric: Metric, query: number, vector: number): number {
  if (metric === 'l2') return query ** 2 + vector ** 2;
  return metric === 'ip' ? query * vector : query;
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
}
