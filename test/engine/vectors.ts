import type { Metric } from '../../src/engine/vector/vector-index.ts';

/** Numbers from 0 to 1, the same ones in each run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Vectors around centres, as real data are. */
export function makeVectors(count: number, dimensions: number, seed = 1): Float32Array[] {
  const random = seededRandom(seed);
  const around = (): number => random() + random() + random() - 1.5;
  const centres = Array.from({ length: 20 }, () =>
    Float32Array.from({ length: dimensions }, () => 2 * around()),
  );
  return Array.from({ length: count }, (_, i) =>
    centres[i % centres.length]!.map((value) => value + around()),
  );
}

/** Bytes as clients send them. */
export function blobOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** The definition, in double precision. */
export function distanceBetween(metric: Metric, a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  if (metric === 'L2') return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  if (metric === 'IP') return 1 - dot(a, b);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Indexes of the nearest vectors; those that are undefined do not count. */
export function bruteForce(
  metric: Metric,
  vectors: readonly (Float32Array | undefined)[],
  query: Float32Array,
  k: number,
): number[] {
  return vectors
    .flatMap((vector, i) => (vector ? [{ i, distance: distanceBetween(metric, query, vector) }] : []))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k)
    .map(({ i }) => i);
}

/** Which part of the truth was found. */
export function recallOf(
  found: readonly (readonly number[])[],
  truth: readonly (readonly number[])[],
): number {
  let hits = 0;
  let all = 0;
  for (const [i, wanted] of truth.entries()) {
    const have = new Set(found[i]);
    hits += wanted.filter((one) => have.has(one)).length;
    all += wanted.length;
  }
  return hits / all;
}
