import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { lookAt } from '../../src/leftovers/find.ts';
import { summariseCounts } from '../../src/perf/stat-summary.ts';
import { parseThreadCounts } from '../../src/perf/stat-text.ts';
import { parseProfile } from '../../src/profile/load.ts';
import { openChanges } from '../../src/restore/open-changes.ts';
import { spansOf, readSession } from '../../src/session/read.ts';
import { parseInfo } from '../../src/valkey/info.ts';
import { runs } from './runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const event = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('span-start', 'span-end', 'session', 'setting', 'process', 'hook'),
  },
  { weight: 1, arbitrary: fc.string() },
);
/** Lines of a journal: whole, damaged, cut, or another program's. */
const line = fc.oneof(
  fc
    .record({
      t: fc.constant('2026-11-23T04:41:17.000Z'),
      monoNs: fc.integer({ min: 0 }),
      type: event,
      span: fc.integer({ min: 1, max: 5 }),
      stage: fc.string(),
      source: fc.string(),
      watched: fc.boolean(),
    })
    .map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constant('\0\0\0\0'),
);

test('a journal of any lines is read: each is an event or is counted as bad', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.nat(60), async (lines, cut) => {
      const text = lines.map((one) => one.replaceAll('\n', ' ')).join('\n');
      writeFileSync(join(folder, 'events.ndjson'), text.slice(0, Math.max(0, text.length - cut)));
      writeFileSync(join(folder, 'session.json'), text.slice(0, cut));
      const read = await readSession(folder).catch((error: unknown) => {
        if (error instanceof UsageError && error.code === 'newer-session') return undefined;
        throw error;
      });
      if (read === undefined) return;
      for (const { type, t, monoNs } of read.events)
        expect([typeof type, typeof t, Number.isFinite(monoNs)]).toEqual(['string', 'string', true]);
      expect(spansOf(read, 0).every(({ id }) => id !== null)).toBe(true);
      openChanges(read.events.filter(({ type }) => type === 'setting') as never);
      await lookAt(folder);
    }),
    { numRuns: runs(200) },
  );
});

test('a session of a newer version is refused, and says so', async () => {
  writeFileSync(join(folder, 'events.ndjson'), '');
  writeFileSync(join(folder, 'session.json'), '{"version":2}');
  await expect(readSession(folder)).rejects.toThrow(
    'was written by a newer stagewatch (format 2, this one reads 1)',
  );
});

test('what perf stat may print is read without a throw, and sums are numbers', () => {
  const field = fc.oneof(
    fc.constantFrom(
      '',
      '<not counted>',
      '<not supported>',
      'task-clock',
      'cycles',
      '100.00',
      '1e309',
      '-1',
      'nan',
    ),
    fc.string({ maxLength: 12 }),
    fc.double().map(String),
  );
  const row = fc.array(field, { maxLength: 9 }).map((fields) => fields.join(';'));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const counts = parseThreadCounts(rows.join('\n'));
      summariseCounts(counts, { program: 'valkey-server', pid: 10 }, 1_000);
      const values = counts.map(({ count }) => (count.state === 'counted' ? count.value : 0));
      expect(values.every((value) => !Number.isNaN(value))).toBe(true);
    }),
    { numRuns: runs(500) },
  );
});

test('any text is a profile, or is refused with a sentence', () => {
  const yaml = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .dictionary(fc.constantFrom('hooks', 'watch', 'skip', 'description', '__proto__'), fc.jsonValue())
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(yaml, (text) => {
      let said = 'profile.yaml';
      try {
        parseProfile(text, 'profile.yaml');
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        said = error.message;
      }
      expect(said).toContain('profile.yaml');
    }),
    { numRuns: runs(500) },
  );
});

test('a profile that refers to itself a billion times is refused, not unfolded', () => {
  const levels = 'abcdefghi'.split('');
  const bomb = levels
    .map(
      (name, i) =>
        `${name}: &${name} [${Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*${levels[i - 1]}`)).join(', ')}]`,
    )
    .join('\n');
  expect(() => parseProfile(bomb, 'profile.yaml')).toThrow(UsageError);
});

test('INFO of any text has figures that are numbers, or none', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 30 }), (pairs) => {
      const info = parseInfo(pairs.map(([key, value]) => `${key}:${value}`).join('\r\n'));
      for (const { keys } of info.keyspace.values()) expect(keys).not.toBeNaN();
    }),
    { numRuns: runs(500) },
  );
});
