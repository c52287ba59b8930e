/** Half precision numbers (IEEE 754 binary16), as vectors may be stored. */

let table: Float32Array | undefined;

/** Fills `to` from as many halves at the start of `from`. */
export function decodeHalves(from: Uint16Array, to: Float32Array): void {
  table ??= Float32Array.from({ length: 65_536 }, (_, bits) => decodeHalf(bits));
  for (let i = 0; i < to.length; i++) to[i] = table[from[i]!]!;
}

function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
