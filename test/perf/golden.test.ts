import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fold } from '../../src/perf/fold.ts';
import { ScriptText } from '../../src/perf/script-text.ts';

const always = [{ id: 1, startNs: 0n, endNs: 1n << 62n }];
const folder = new URL('../fixtures/perf/', import.meta.url);
const goldens = [
  { name: 'valkey-stripped-bgsave', program: 'valkey-server', pid: 7493 },
  { name: 'names-cpp', program: 'names', pid: 18086 },
  { name: 'java', program: 'java', pid: 18121 },
  { name: 'mixed', program: 'valkey-server', pid: 100 },
];

function fold(
  target: { program: string; pid: number },
  chunks: readonly Buffer[],
): { fold: Fold; text: string } {
  const fold = new Fold({ target, root: undefined, spans: always });
  const script = new ScriptText(fold);
  for (const chunk of chunks) script.push(chunk);
  script.end();
  const [span] = fold.spans;
  return { fold, text: span ? [...fold.foldedLines(span), ''].join('\n') : '' };
}

for (const { name, program, pid } of goldens) {
  const bytes = readFileSync(new URL(`${name}.txt`, folder));

  test(`folds ${name} as its golden file`, async () => {
    await expect(fold({ program, pid }, [bytes]).text).toMatchFileSnapshot(
      new URL(`${name}.folded`, folder).pathname,
    );
  });

  test(`folds ${name} the same however it is cut into chunks`, () => {
    const whole = fold({ program, pid }, [bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        const cut = fold({ program, pid }, chunks);
        expect(cut.text).toBe(whole.text);
        expect(cut.fold.samples).toBe(whole.fold.samples);
      }),
      { numRuns: 60 },
    );
  });
}

test('any bytes at all are read without a throw, and folded into clean lines', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\n',
      '\t',
      'a 1/1 1.000000000: \n\t 1f ',
      '(x',
      ')',
      ';',
      ' PERF_RECORD_MMAP2 1/1: [0x1(0x2) @ ',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const { text } = fold({ program: 'p', pid: 1 }, [Buffer.from(pieces.join(''))]);
      for (const line of text.split('\n').slice(0, -1)) expect(line).toMatch(/^[^\x00-\x1f]+ \d+$/);
    }),
  );
});

test('a fold counts each sample for every span that contains it, ends included', () => {
  const sample = (ns: number): string => `x 1/1 0.${String(ns).padStart(9, '0')}: \n\t 1 f (/f)\n\n`;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50))), fc.array(fc.nat(60)), (bounds, times) => {
      const spans = bounds.map(([a, b], id) => ({
        id,
        startNs: BigInt(Math.min(a, b)),
        endNs: BigInt(Math.max(a, b)),
      }));
      const fold = new Fold({ target: { program: 'p', pid: 1 }, root: undefined, spans });
      const script = new ScriptText(fold);
      script.push(Buffer.from(times.map(sample).join('')));
      script.end();
      for (const [index, { startNs, endNs }] of spans.entries())
        expect(fold.spans[index]?.samples).toBe(times.filter((t) => t >= startNs && t <= endNs).length);
      expect(fold.outside).toBe(
        times.filter((t) => !spans.some(({ startNs, endNs }) => t >= startNs && t <= endNs)).length,
      );
    }),
  );
});
