import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findArchive } from './sources.ts';

function etcApt(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-apt-'));
  mkdirSync(join(folder, 'sources.list.d'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('the archive of the system is told from third parties that use its suite names', () => {
  const folder = etcApt({
    'sources.list.d/a.list':
      'deb [arch=amd64 signed-by=/k/vendor.gpg] https://vendor.test/debian bookworm main\n',
    'sources.list.d/debian.sources': `Types: deb
# a comment
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
`,
  });
  expect(findArchive(folder, 'bookworm')).toEqual({
    uri: 'http://mirror.test/debian',
    signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
  });
  expect(findArchive(folder, 'trixie')).toBeUndefined();
});

test('one-line entries, disabled stanzas and rolling suites', () => {
  const folder = etcApt({
    'sources.list':
      '# deb http://off.test/debian sid main\ndeb http://on.test/debian sid contrib main # why\n',
    'sources.list.d/off.sources':
      'Types: deb\nEnabled: no\nURIs: http://off.test\nSuites: sid\nComponents: main\n',
  });
  expect(findArchive(folder, 'sid')?.uri).toBe('http://on.test/debian');
});
