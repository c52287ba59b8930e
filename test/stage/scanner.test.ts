import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Marker } from '../../src/stage/marker.ts';
import { MarkerScanner, MAX_SCANNED_LINE_BYTES } from '../../src/stage/scanner.ts';
import { stageLabel } from '../../src/stage/stage.ts';
import { runs } from '../fuzz/runs.ts';

const told = (markers: readonly Marker[]) => markers.map(({ kind, stage }) => `${kind} ${stageLabel(stage)}`);

/** Feeds chunks through one reused buffer, as a source does. */
function scanAll(chunks: readonly Buffer[]): Marker[] {
  const scanner = new MarkerScanner();
  const reused = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  const found: Marker[] = [];
  for (const chunk of chunks) {
    chunk.copy(reused);
    found.push(...scanner.scan(reused.subarray(0, chunk.length)));
    reused.fill('#');
  }
  return [...found, ...scanner.end()];
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [
    0,
    ...at.map((position) => position % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
}

/** What the grammar says about names, once more, the slow way. */
function referenceMarkers(bytes: Buffer): string[] {
  const found: string[] = [];
  for (const whole of bytes.toString('latin1').split(/[\r\n]/)) {
    const line = whole.slice(0, MAX_SCANNED_LINE_BYTES);
    // oxlint-disable-next-line no-control-regex
    const marker = /\[STAGE:(START|END)\][ \t]+([^\x00-\x20\x7f"]+)/g;
    for (let match = marker.exec(line); match; match = marker.exec(line)) {
      const quoted = line[marker.lastIndex] === '"';
      const label = quoted ? match[2]?.replace(/(\\r)?\\n$/, '') : match[2];
      if (!label || label.startsWith(':')) marker.lastIndex = match.index + 7;
      else found.push(`${match[1]?.toLowerCase()} ${Buffer.from(label, 'latin1').toString()}`);
    }
  }
  return found;
}

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('[STAGE:START] ', '[STAGE:END] ', '[STAGE:', 'START] ') },
  {
    weight: 3,
    arbitrary: fc.constantFrom('\n', '\r', '\r\n', ' ', '"', '\\n"', '\x1b[0m', '\0', ':', '=', '['),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 8, unit: 'binary' }) },
  { weight: 1, arbitrary: fc.constantFrom(65_500, 65_530, 70_000).map((length) => 'x'.repeat(length)) },
);
const log = fc
  .array(
    fc.oneof(
      piece.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 4 }).map((b) => Buffer.from(b)),
    ),
    {
      maxLength: 30,
    },
  )
  .map((pieces) => Buffer.concat(pieces));

describe('any way of cutting a log', () => {
  test('gives the markers of the whole', () => {
    fc.assert(
      fc.property(log, fc.array(fc.nat(), { maxLength: 20 }), (bytes, cuts) => {
        const whole = scanAll([bytes]);
        expect(scanAll(cut(bytes, cuts))).toEqual(whole);
        expect(told(whole)).toEqual(referenceMarkers(bytes));
      }),
      { numRuns: runs(1_000) },
    );
  });

  test('even byte by byte', () => {
    const bytes = Buffer.from('a [STAGE:START] x:ü\r\n[STAGE:END] x:ü duration=1.5s k=v\r[STAGE:START] y');
    expect(scanAll([...bytes].map((byte) => Buffer.from([byte])))).toEqual(scanAll([bytes]));
    expect(told(scanAll([bytes]))).toEqual(['start x:ü', 'end x:ü', 'start y']);
  });
});

describe('when a marker acts', () => {
  test('once its line has ended, by LF or CR', () => {
    const scanner = new MarkerScanner();
    expect(scanner.scan(Buffer.from('[STAGE:START] vec-que'))).toEqual([]);
    expect(scanner.scan(Buffer.from('ry:ef_1'))).toEqual([]);
    expect(told(scanner.scan(Buffer.from('00\r')))).toEqual(['start vec-query:ef_100']);
    expect(scanner.scan(Buffer.from('\n'))).toEqual([]);
  });

  test('a name hidden behind a CR is a line of its own', () => {
    expect(told(scanAll([Buffer.from('[STAGE:START] a\rb[STAGE:END] a\rc\n')]))).toEqual([
      'start a',
      'end a',
    ]);
  });

  test('at the end, without line end', () => {
    const scanner = new MarkerScanner();
    scanner.scan(Buffer.from('x\n[STAGE:END] a duration=1s'));
    expect(scanner.end()).toMatchObject([{ durationMs: 1000 }]);
    expect(scanner.end()).toEqual([]);
  });
});

describe('a long line', () => {
  const marker = '[STAGE:START] abcdef';
  test.each([
    ['just within 64 KiB', MAX_SCANNED_LINE_BYTES - marker.length, ['start abcdef']],
    ['cut at 64 KiB', MAX_SCANNED_LINE_BYTES - marker.length + 3, ['start abc']],
    ['from 64 KiB on', MAX_SCANNED_LINE_BYTES, []],
    ['far beyond', 10 * MAX_SCANNED_LINE_BYTES, []],
  ])('a marker %s', (_, before, expected) => {
    const line = Buffer.from(`${'x'.repeat(before)}${marker}\n[STAGE:END] next\n`);
    expect(told(scanAll([line]))).toEqual([...expected, 'end next']);
    expect(told(scanAll(cut(line, [70_000, 1, before + 5, 65_536])))).toEqual([...expected, 'end next']);
  });

  test('fed in small pieces is carried without being read again', () => {
    const scanner = new MarkerScanner();
    const small = Buffer.from('[STAGE:');
    // Rescanning or copying the carry with each piece would move some 60 GB.
    for (let i = 0; i < 2_000_000; i++) scanner.scan(small);
    expect(scanner.scan(Buffer.from('\n'))).toEqual([]);
  });

  test('of 400 MB leaves memory flat', () => {
    const scanner = new MarkerScanner();
    const chunk = Buffer.alloc(131_072, 'x');
    const before = process.memoryUsage();
    for (let i = 0; i < 3_000; i++) scanner.scan(chunk);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1_000_000);
    expect(told(scanner.scan(Buffer.from('\n[STAGE:START] a\n')))).toEqual(['start a']);
  });
});

test('a flood of markers is found to the last', () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `[STAGE:START] s${i}\n`).join('');
  expect(scanAll([Buffer.from(lines)])).toHaveLength(100_000);
});
