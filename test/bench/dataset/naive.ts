import type { Metric } from '../../../src/bench/dataset/metric.ts';

/** The nearest ids by the definition of each metric, with nothing clever. */
export function naiveNearest(
  metric: Metric,
  vectors: Float32Array,
  query: Float32Array,
  dim: number,
  k: number,
): number[] {
  const count = vectors.length / dim;
  const score = (id: number): number => {
    const v = vectors.subarray(id * dim, (id + 1) * dim);
    let [squares, dot, vv] = [0, 0, 0];
    for (let d = 0; d < dim; d++) {
      squares += (v[d]! - query[d]!) ** 2;
      dot += v[d]! * query[d]!;
      vv += v[d]! * v[d]!;
    }
    if (metric === 'l2') return squares;
    return metric === 'ip' ? -dot : vv === 0 ? 0 : -dot / Math.sqrt(vv);
  };
  return Array.from({ length: count }, (_, id) => ({ id, score: score(id) }))
    .sort((a, b) => a.score - b.score || a.id - b.id)
    .slice(0, k)
    .map(({ id }) => id);
}
