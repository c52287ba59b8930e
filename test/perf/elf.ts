import * as fc from 'fast-check';

/** Whole ELF files with bytes changed, mostly in their headers, and cut anywhere. */
export function damaged(good: Buffer): fc.Arbitrary<Buffer> {
  const somewhere = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  const inHeader = fc.tuple(fc.nat(63), fc.nat(255));
  return fc
    .tuple(
      fc.array(somewhere, { maxLength: 20 }),
      fc.array(inHeader, { maxLength: 3 }),
      fc.option(fc.nat(good.length)),
    )
    .map(([anywhere, heads, length]) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of [...anywhere, ...heads]) bytes[at] = value;
      return length === null ? bytes : bytes.subarray(0, length);
    });
}
