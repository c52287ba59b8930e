import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type FlamegraphOptions, makeFlamegraph } from '../../src/perf/flamegraph.ts';
import { exportSession } from '../../src/report/export.ts';
import { madeSession } from '../report/made-session.ts';
import { needs } from '../servers/need.ts';
import { openPage, startBrowser, takePicture } from './browser.ts';

needs('chromium');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hostile = '</title><script>document.title="x"</script>';
const now = `valkey-server;main;call;${hostile} 40\nvalkey-server;main;call;getCommand 30\nio_thd;read 30\n`;
const before = 'valkey-server;main;call;getCommand 60\nvalkey-server;main;evict 40\n';

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function drawn(name: string, options: FlamegraphOptions): Promise<string> {
  const { text } = await makeFlamegraph(file(`${name}.folded`, now), options);
  return pathToFileURL(file(name, [...text].join('\n'))).href;
}

test('a picture that is opened alone zooms, searches, and shows hostile names as text', async () => {
  await using chromium = await startBrowser();
  const url = await drawn('now.svg', { format: 'svg' });
  const { page, complaints } = await openPage(chromium.browser, url);
  const width = (name: string): Promise<string | null> =>
    page.locator('g.f', { hasText: name }).last().locator('rect').getAttribute('width');
  expect(await width('getCommand')).toBe('354.0');
  await page.locator('g.f', { hasText: hostile }).locator('rect').last().hover();
  expect(await page.locator('#detail').textContent()).toBe(`${hostile} (40 samples, 40.00 %)`);
  await page.locator('g.f[data-d="2"] rect').first().click();
  expect(Number(await width('getCommand'))).toBeCloseTo((1180 * 30) / 70, 0);
  await page.locator('#reset').click();
  expect(await width('getCommand')).toBe('354.0');
  page.once('dialog', (dialog) => void dialog.accept('getcomm'));
  await page.keyboard.press('/');
  expect(await page.locator('#matched').textContent()).toBe('30.00 % match');
  expect(complaints).toEqual([]);
});

test('a page that compares shows what grew and what is gone', async () => {
  await using chromium = await startBrowser();
  const url = await drawn('diff.html', { format: 'html', diff: file('before.folded', before) });
  const { page, complaints } = await openPage(chromium.browser, url);
  await page.getByText('Functions by change of their share').click();
  const rows = await page.locator('table tbody tr').allTextContents();
  expect(rows).toContain('-40.00 %40.00 %0.00 %evict (gone)');
  expect(rows).toContain(`+40.00 %0.00 %40.00 %${hostile} (new)`);
  expect(await page.locator('.legend').textContent()).toBe('grewas beforeshrank');
  await takePicture(page, 'flamegraph-diff');
  expect(complaints).toEqual([]);
});

test("speedscope's own loader opens what is exported for it", async () => {
  await using session = await madeSession({ stages: ['vec-query:ef_10', 'get'], folded: () => now });
  const profile = [...(await exportSession(session.folder, { to: 'speedscope' }))].join('');
  // As its command line hands a file to its page.
  const text = Buffer.from(profile as string).toString('base64');
  const script = file(
    'profile.js',
    `speedscope.loadFileFromBase64("session.speedscope.json", ${JSON.stringify(text)})`,
  );
  const index = join(
    dirname(createRequire(import.meta.url).resolve('speedscope/package.json')),
    'dist/release/index.html',
  );
  await using chromium = await startBrowser();
  const { page, complaints } = await openPage(
    chromium.browser,
    `${pathToFileURL(index).href}#localProfilePath=${script}`,
    { allowed: (url) => url.startsWith('file:') || url.startsWith('data:') },
  );
  await page.getByText('1 vec-query:ef_10 localhost-1 on-CPU').first().waitFor();
  await takePicture(page, 'speedscope');
  expect(complaints.filter((line) => /^(error|console error)/.test(line))).toEqual([]);
});
