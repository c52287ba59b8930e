import type { Rows } from './import-source.ts';
import { Random } from '../../stats/random.ts';

export interface SplitPart {
  readonly vectors: Float32Array;
  /** Rows of this part that are queries, and not vectors. */
  readonly queries: Float32Array;
  /** The number of the first one of them. */
  readonly firstQuery: number;
}

/**
 * Takes `wanted` rows out of a stream as queries, all with the same chance (Knuth's algorithm S): a query that is
 * also a vector would be its own nearest neighbour, and say nothing.
 */
export async function* splitQueries(rows: Rows, wanted: number, seed: number): AsyncGenerator<SplitPart> {
  const { dim } = rows;
  const random = new Random(seed);
  let left = rows.rows;
  let taken = 0;
  for await (const batch of rows.batches()) {
    const firstQuery = taken;
    const count = batch.length / dim;
    const vectors = new Float32Array(batch.length);
    const queries = new Float32Array(Math.min(count, wanted - taken) * dim);
    let kept = 0;
    for (let row = 0; row < count; row++, left--) {
      const values = batch.subarray(row * dim, (row + 1) * dim);
      if (taken < wanted && random.below(left) < wanted - taken)
        queries.set(values, (taken++ - firstQuery) * dim);
      else vectors.set(values, kept++ * dim);
    }
    yield {
      vectors: vectors.subarray(0, kept * dim),
      queries: queries.subarray(0, (taken - firstQuery) * dim),
      firstQuery,
    };
  }
}
