import type { Metric } from './vector-index.ts';

/** From a query to the vector that begins at `offset` of `vectors`. */
export type Distance = (query: Float32Array, vectors: Float32Array, offset: number) => number;

/** The distance function of a metric; sums are in double precision, in the order of the dimensions modulo four. */
export function distanceOf(metric: Metric): Distance {
  return metric === 'L2' ? squaredDistance : oneMinusDot;
}

// Four sums, since one would wait for itself at each addition.
function squaredDistance(query: Float32Array, vectors: Float32Array, offset: number): number {
  const whole = query.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < whole; i += 4) {
    const w = query[i]! - vectors[offset + i]!;
    const x = query[i + 1]! - vectors[offset + i + 1]!;
    const y = query[i + 2]! - vectors[offset + i + 2]!;
    const z = query[i + 3]! - vectors[offset + i + 3]!;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (; i < query.length; i++) a += (query[i]! - vectors[offset + i]!) ** 2;
  return a + b + (c + d);
}

function oneMinusDot(query: Float32Array, vectors: Float32Array, offset: number): number {
  const whole = query.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < whole; i += 4) {
    a += query[i]! * vectors[offset + i]!;
    b += query[i + 1]! * vectors[offset + i + 1]!;
    c += query[i + 2]! * vectors[offset + i + 2]!;
    d += query[i + 3]! * vectors[offset + i + 3]!;
  }
  for (; i < query.length; i++) a += query[i]! * vectors[offset + i]!;
  return 1 - (a + b + (c + d));
}
