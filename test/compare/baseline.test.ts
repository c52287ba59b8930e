import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readBaseline, saveBaseline } from '../../src/compare/baseline.ts';
import { madeRun, madeSide } from './made-side.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-baseline-'));
  file = join(folder, 'perf.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const side = madeSide(
  'run/1',
  [{ runs: [madeRun(7, { qps: 5 })], facts: { 'bench.k': '10' }, hooks: ['threads'], folded: 'main;get 3' }],
  { 'host.kernel': '6.1' },
);
const savedAt = new Date('2026-11-23T04:41:17Z');

test('what is kept is what is read', async () => {
  await saveBaseline(file, side, savedAt);
  expect(await readBaseline(file)).toEqual({ ...side, name: `${file} of 2026-11-23T04:41:17.000Z` });
  expect(readdirSync(folder)).toEqual(['perf.json']);
});

test('rare stacks of a large profile are summed up, and the total stays', async () => {
  const folded = Array.from({ length: 30_000 }, (_, i) => `main;${'f'.repeat(60)}${i} ${i + 1}`).join('\n');
  await saveBaseline(file, madeSide('big', [{ runs: [madeRun(1, { qps: 5 })], folded }]), savedAt);
  expect(statSync(file).size).toBeLessThan(1.2 * 1024 * 1024);
  const kept = (await readBaseline(file)).stages[0]!.folded.split('\n');
  const weight = (line: string): number => Number(line.slice(line.lastIndexOf(' ')));
  expect(kept.reduce((sum, line) => sum + weight(line), 0)).toBe((30_000 * 30_001) / 2);
  expect(kept[0]).toMatch(/29999 30000$/);
  expect(kept.at(-1)).toMatch(/^\[rare stacks\]/);
});

test('a side without figures is not kept', async () => {
  await expect(saveBaseline(file, madeSide('none', [{ runs: [madeRun(1, {})] }]), savedAt)).rejects.toThrow(
    'Expected runs with figures to keep as a baseline, got none in none',
  );
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['no JSON', '{"kind":', /is no whole JSON/],
  ['a session.json', '{"version":1}', /is not one$/],
  ['a list', '[]', /is not one$/],
  ['a newer one', '{"kind":"stagewatch-baseline","version":2}', /newer stagewatch \(format 2/],
])('%s is refused in a sentence', async (_, text, message) => {
  writeFileSync(file, text);
  await expect(readBaseline(file)).rejects.toThrow(message);
});

test.each([
  ['"qps": 5', '"qps": "5"', 'stages.0.runs.0.figures.qps'],
  ['"qps": 5', '"qps": -1', 'stages.0.runs.0.figures.qps'],
  ['"folded": "main;get 3"', '"folded": 3', 'stages.0.folded'],
  ['"span": 7', '"span": -7', 'stages.0.runs.0.span'],
])('damage is named by its place: %s to %s', async (from, to, place) => {
  await saveBaseline(file, side, savedAt);
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
  await expect(readBaseline(file)).rejects.toThrow(`is damaged at ${place}`);
});

test('what is not there, and where nothing can be written, is a slip too', async () => {
  await expect(readBaseline(join(folder, 'none'))).rejects.toThrow(/cannot be read: ENOENT/);
  await expect(saveBaseline(join(folder, 'no/such/file'), side, savedAt)).rejects.toThrow(
    'Expected --save-baseline to be a file that can be written',
  );
});
