import { UsageError } from '../../error.ts';
import type { Metric } from './metric.ts';
import { Nearest } from './nearest.ts';
import { GROUP, interleave, scoreGroup } from './scores.ts';

/** Vectors that are worked on at once stay in the cache while all queries pass over them: bytes. */
const TILE_BYTES = 64 << 10;

/** Brute force: the exact nearest vectors of each query. Vectors are given in portions, in any order. */
export class ExactSearch {
  readonly #metric: Metric;
  readonly #dim: number;
  readonly #queryCount: number;
  readonly #groups: Float64Array[] = [];
  readonly #nearest: Nearest;
  readonly #tile: number;
  readonly #scores: Float64Array;

  /** @param queries rows of `dim` numbers. @param k neighbours wanted of each. */
  constructor(metric: Metric, queries: Float32Array, dim: number, k: number) {
    this.#metric = metric;
    this.#dim = dim;
    this.#queryCount = queries.length / dim;
    for (let start = 0; start < this.#queryCount; start += GROUP)
      this.#groups.push(interleave(queries, start, dim));
    this.#nearest = new Nearest(this.#queryCount, k);
    this.#tile = Math.max(1, Math.floor(TILE_BYTES / (dim * Float32Array.BYTES_PER_ELEMENT)));
    this.#scores = new Float64Array(this.#tile * GROUP);
  }

  /**
   * @param vectors rows of `dim` numbers, with ids from `firstId` on.
   * @throws {UsageError} dataset-not-finite: there is no nearest to infinity.
   */
  add(vectors: Float32Array, firstId: number): void {
    const count = vectors.length / this.#dim;
    for (let start = 0; start < count; start += this.#tile) {
      const rows = Math.min(this.#tile, count - start);
      const tile = vectors.subarray(start * this.#dim, (start + rows) * this.#dim);
      this.#groups.forEach((group, g) => this.#addTile(tile, rows, firstId + start, group, g * GROUP));
    }
  }

  /** k ids and scores of each query, nearest first. Ends this object's use. */
  finish(): { ids: Uint32Array; scores: Float64Array } {
    return this.#nearest.sorted();
  }

  #addTile(tile: Float32Array, rows: number, firstId: number, group: Float64Array, firstQuery: number): void {
    const scores = this.#scores;
    scoreGroup(this.#metric, tile, rows, this.#dim, group, scores);
    const queries = Math.min(GROUP, this.#queryCount - firstQuery);
    for (let row = 0; row < rows; row++)
      for (let q = 0; q < queries; q++) {
        const score = scores[row * GROUP + q]!;
        if (!Number.isFinite(score))
          throw new UsageError(
            'dataset-not-finite',
            `Expected finite numbers, but vector ${firstId + row} or query ${firstQuery + q} holds others.`,
          );
        this.#nearest.offer(firstQuery + q, score, firstId + row);
      }
  }
}
