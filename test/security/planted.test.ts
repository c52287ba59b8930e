import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseProfile } from '../../src/profile/load.ts';
import { AppendFile } from '../../src/session/append-file.ts';
import { HeldFolder } from '../../src/session/held-folder.ts';
import { SessionArtifactDir, writeWhole } from '../../src/session/artifact-dir.ts';
import { Session } from '../../src/session/session.ts';
import { runCli, TestFolder } from '../e2e/support.ts';

const about = { hook: 'x', target: 'localhost' };

test('links that wait for our files are not followed: journals, artifacts, whole files', async () => {
  using folder = new TestFolder();
  const victim = join(folder.path, 'victim');
  writeFileSync(victim, 'theirs');
  const session = join(folder.path, 'session');
  mkdirSync(join(session, 'spans'), { recursive: true, mode: 0o700 });
  for (const name of ['events.ndjson', `session.json.${process.pid}.tmp`])
    symlinkSync(victim, join(session, name));
  await expect(AppendFile.open(join(session, 'events.ndjson'), () => {})).rejects.toThrow('ELOOP');
  await expect(writeWhole(join(session, 'session.json'), 'ours')).rejects.toThrow('ELOOP');
  expect(readFileSync(victim, 'utf8')).toBe('theirs');
});

test('a link put in the place of a running session leads nothing astray', async () => {
  using folder = new TestFolder();
  const theirs = join(folder.path, 'theirs');
  mkdirSync(theirs);
  await using session = await Session.create(join(folder.path, 'out'), 'bench', () => {});
  const moved = join(folder.path, 'moved');
  renameSync(session.folder, moved);
  symlinkSync(theirs, session.folder);
  await session.writeInfo({ state: 'running' });
  const dir = new SessionArtifactDir(session.held, join(session.folder, 'spans/001-a/localhost'), about);
  await dir.writeJson('metrics.json', {});
  expect([existsSync(join(theirs, 'session.json')), existsSync(join(theirs, 'spans'))]).toEqual([
    false,
    false,
  ]);
  expect(existsSync(join(moved, 'spans/001-a/localhost/metrics.json'))).toBe(true);
  expect(await session.held.isInPlace()).toBe(false);
});

test.skipIf(process.geteuid?.() !== 0)(
  'root below a folder of another user: what that user planted is neither followed nor used',
  async () => {
    using folder = new TestFolder();
    const out = join(folder.path, 'out');
    const victim = join(folder.path, 'victim');
    mkdirSync(victim);
    mkdirSync(out);
    chownSync(out, 65_534, 65_534);
    // The names of the next seconds' sessions: folders of theirs, and links to what is not theirs.
    for (let s = 0; s < 30; s++) {
      const time = new Date(Date.now() + s * 1000)
        .toISOString()
        .replace(/\.\d+Z$/, 'Z')
        .replaceAll(':', '-');
      const path = join(out, `${time}-stdin`);
      if (s % 2 === 0) symlinkSync(victim, path);
      else {
        mkdirSync(path);
        chownSync(path, 65_534, 65_534);
      }
    }
    const ran = await runCli(['monitor', '--profile', 'metrics', '--output-dir', out], {
      input: '[STAGE:START] a\n[STAGE:END] a\n',
    });
    expect([0, 3], ran.stderr).toContain(ran.code);
    expect(existsSync(join(victim, 'events.ndjson'))).toBe(false);
    const [, session] = /^session +(.+)$/m.exec(ran.stderr)!;
    expect(session).toMatch(/-stdin-2$/);
    await expect(HeldFolder.open(join(out, '..', 'out'))).rejects.toMatchObject({ code: 'not-ours' });
  },
);

test('a profile cannot change what all objects have', () => {
  for (const key of ['__proto__', 'constructor', 'prototype'])
    for (const text of [
      `hooks:\n  ${key}: { polluted: yes }\n`,
      `hooks:\n  metrics: { ${key}: { polluted: yes } }\n`,
      `${key}: { polluted: yes }\nhooks: {}\n`,
      JSON.stringify({ hooks: { metrics: JSON.parse(`{"${key}": {"polluted": true}}`) as object } }),
    ]) {
      try {
        parseProfile(text, 'profile.yaml');
      } catch {
        // Refused is as good.
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }
});
