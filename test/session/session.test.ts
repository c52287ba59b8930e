import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { safeName, spanFolder } from '../../src/session/layout.ts';
import { readSession, spansOf } from '../../src/session/read.ts';
import { Session } from '../../src/session/session.ts';
import { runs } from '../fuzz/runs.ts';

fc.configureGlobal({ numRuns: runs(100) });

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'stagewatch-session-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hostile = [
  '../../etc/x',
  '..',
  '.',
  '',
  'a;rm -rf ~',
  '$(id)',
  'x'.repeat(10_240),
  '\u001b[31mred',
  'a/b',
  'a\u0000b',
  '/etc/passwd',
];

test.each(hostile)('the folder of a stage named %j stays inside the session', (name) => {
  const path = spanFolder('/session', 3, { name, tag: name });
  expect(dirname(path)).toBe('/session/spans');
  expect(basename(path)).toMatch(/^003-[A-Za-z0-9._-]{1,85}$/);
  expect(resolve(path)).toBe(path);
});

test('no text whatever becomes anything but one plain folder name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const name = safeName(text);
      expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(80);
    }),
  );
});

test('a session is private to its user, and two of one second have folders of their own', async () => {
  await using a = await Session.create(folder, 'bench', () => {});
  await using b = await Session.create(folder, 'bench', () => {});
  expect(a.folder).not.toBe(b.folder);
  expect(statSync(a.folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(a.folder, 'events.ndjson')).mode & 0o777).toBe(0o600);
});

test('an output folder that cannot be made is a usage error that names it', async () => {
  await expect(Session.create('/proc/nowhere', 'x', () => {})).rejects.toThrow(UsageError);
  await expect(Session.create('/proc/nowhere', 'x', () => {})).rejects.toThrow(
    /--output-dir.*\/proc\/nowhere/,
  );
});

test('100,000 journal lines appended at once are all there, in order', async () => {
  const session = await Session.create(folder, 'flood', () => {});
  for (let i = 0; i < 100_000; i++) session.record({ type: 'orphan-end', stage: `s${i}`, source: 'test' });
  await session[Symbol.asyncDispose]();
  const lines = readFileSync(join(session.folder, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(100_000);
  expect(lines.every((line, i) => (JSON.parse(line) as { stage: string }).stage === `s${i}`)).toBe(true);
});

test('a journal on a full disk is told once, and stops nothing', async () => {
  const problems: string[] = [];
  const { AppendFile } = await import('../../src/session/append-file.ts');
  await using file = await AppendFile.open('/dev/full', (error) => problems.push(error.message));
  file.append('one');
  await file.flush();
  file.append('two');
  await file.flush();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('ENOSPC');
});

test('a session cut short is read back: the open span ends unfinished where it was cut', async () => {
  const session = await Session.create(folder, 'crash', () => {});
  session.record({ type: 'span-start', span: 1, stage: 'get:x', source: 's', watched: true }, 1_000_000_000n);
  session.record(
    {
      type: 'span-end',
      span: 1,
      stage: 'get:x',
      source: 's',
      state: 'finished',
      watched: true,
      startNs: 1e9,
      durationMs: 1000,
    },
    2_000_000_000n,
  );
  session.record({ type: 'span-start', span: 2, stage: 'set', source: 's', watched: true }, 3_000_000_000n);
  session.record({ type: 'span-start', span: 3, stage: 'load', source: 's', watched: false }, 4_000_000_000n);
  await session[Symbol.asyncDispose]();
  const { appendFileSync } = await import('node:fs');
  appendFileSync(join(session.folder, 'events.ndjson'), '{"t":"2026-');

  const read = await readSession(session.folder);
  expect(read.badLines).toBe(1);
  expect(spansOf(read, 4e9)).toMatchObject([
    { id: 1, stage: { name: 'get', tag: 'x' }, state: 'finished', durationMs: 1000 },
    { id: 2, state: 'unfinished', durationMs: 1000, endNs: 4_000_000_000n },
  ]);
});

test('what is no session is refused by name', async () => {
  await expect(readSession(join(folder, 'nothing'))).rejects.toThrow(
    /Expected ".*nothing" to be the folder of a session/,
  );
});
