import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { formatEnd, formatStart } from '../../src/stage/emitter.ts';
import { MarkerScanner } from '../../src/stage/scanner.ts';
import { parseStage } from '../../src/stage/stage.ts';
import { runs } from '../fuzz/runs.ts';

const readBack = (line: string) => new MarkerScanner().scan(Buffer.from(`${line}\n`));
const word = fc.string({ unit: fc.constantFrom(..."aZ0-_./:;$()<>[]\\'üä向🚀") });

describe('markers as printed', () => {
  test('are the lines that the grammar names', () => {
    expect(formatStart({ name: 'vec-query', tag: 'ef_100' })).toBe('[STAGE:START] vec-query:ef_100');
    expect(formatEnd({ name: 'get' }, 1234)).toBe('[STAGE:END] get duration=1.234s');
    expect(formatEnd({ name: 'get' }, 59_999.6, [['qps', '12']])).toBe(
      '[STAGE:END] get duration=60.000s qps=12',
    );
  });

  test('come back as they went, or are refused', () => {
    const attributes = fc.array(fc.tuple(word, word), { maxLength: 4 });
    fc.assert(
      fc.property(fc.oneof(word, fc.string()), fc.nat(1e9), attributes, (label, ms, attributes) => {
        const stage = parseStage(label);
        let lines: [string, string];
        try {
          lines = [formatStart(stage, attributes), formatEnd(stage, ms, attributes)];
        } catch (error) {
          if (error instanceof UsageError) return;
          throw error;
        }
        expect(readBack(lines[0])).toEqual([{ kind: 'start', stage, attributes }]);
        expect(readBack(lines[1])).toEqual([{ kind: 'end', stage, attributes, durationMs: ms }]);
      }),
      { numRuns: runs(1_000) },
    );
  });

  test('readable names are never refused', () => {
    fc.assert(
      fc.property(word, (text) => {
        const stage = parseStage(`s${text}`);
        expect(readBack(formatStart(stage))).toEqual([{ kind: 'start', stage, attributes: [] }]);
      }),
    );
  });
});

describe('refused', () => {
  test.each(['', ':tag', 'a b', 'a\tb', 'a\nb', 'a\rb', 'a"b', 'a\x1b[0m', '\ud800', 'x'.repeat(65_536)])(
    'the name %j',
    (label) => {
      expect(() => formatStart(parseStage(label))).toThrow(UsageError);
    },
  );

  test('a colon within the name: it would come back as a tag', () => {
    expect(() => formatStart({ name: 'a:b' })).toThrow(UsageError);
  });

  test.each([
    ['', 'v'],
    ['k', 'a b'],
    ['k=', '1"'],
    ['k', '[STAGE:'],
    ['duration', '1s'],
  ] as const)('the attribute %s=%s', (key, value) => {
    expect(() => formatEnd({ name: 'a' }, 1, [[key, value]])).toThrow(UsageError);
  });

  test.each([-1, NaN, Infinity, 1e300])('a duration of %d ms', (durationMs) => {
    expect(() => formatEnd({ name: 'a' }, durationMs)).toThrow(UsageError);
  });
});
