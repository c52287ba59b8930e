import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { madeSession, type MadeSession } from '../report/made-session.ts';
import { needs } from '../servers/need.ts';
import { openPage, startBrowser, takePicture, type WatchedPage } from './browser.ts';
import { runCli } from './support.ts';

needs('chromium');

const long = 'x'.repeat(10_000);
const hostile = [
  `get:<script>alert(1)</script>`,
  `vec-query:</style><img/src=x>'&`,
  `set:\u202Egnp.exe${long}`,
];

const session: MadeSession = {
  stages: ['vec-query:ef_10', 'vec-query:ef_20', 'vec-query:ef_30', 'vec-query:ef_40'],
  folded: (i) =>
    `valkey-server;main;aeMain;search;${i === 0 ? 'old_way' : 'new_way'} ${40 + i * 10}\nvalkey-server;main;aeMain;reply 50\nio_thd;main;[valkey-server+0x10] 10\n`,
  offCpu: () => 'valkey-server;main;aeMain;epoll_wait 400000\n',
  metricsSeconds: 6,
  search: true,
  warnings: [{ code: 'lost-samples', message: '3 samples were lost', span: 2, hook: 'perf-record' }],
};

interface Opened extends WatchedPage, AsyncDisposable {
  readonly bytes: number;
}

async function open(made: MadeSession, options: { dark?: boolean; width?: number } = {}): Promise<Opened> {
  const stack = new AsyncDisposableStackOf();
  const folder = stack.use(await madeSession(made)).folder;
  const { code, stderr } = await runCli(['report', folder]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const file = join(folder, 'report.html');
  const { browser } = stack.use(await startBrowser());
  const watched = await openPage(browser, pathToFileURL(file).href, options);
  return {
    ...watched,
    bytes: (await stat(file)).size,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** Node 20 has no AsyncDisposableStack. */
class AsyncDisposableStackOf implements AsyncDisposable {
  readonly #held: AsyncDisposable[] = [];

  use<Held extends AsyncDisposable>(held: Held): Held {
    this.#held.unshift(held);
    return held;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const held of this.#held) await held[Symbol.asyncDispose]();
  }
}

test('the answer, the search, the timeline and the stages stand on one page that asks for nothing', async () => {
  await using report = await open(session);
  const { page, complaints } = report;
  await page.getByRole('heading', { name: 'made' }).waitFor();
  await expect.poll(() => page.locator('#answer').innerText()).toContain('limited by');
  expect(await page.locator('#answer').innerText()).toMatch(/10,000 requests\/s at ef_search 30, clients 4/);
  expect(await page.locator('#answer').innerText()).toContain('3 samples were lost');
  // QPS, p99 and recall against ef_search, and the frontier; the chosen point is marked in each.
  expect(await page.locator('#search svg').count()).toBe(4);
  expect(await page.locator('#search circle.chosen').count()).toBe(4);
  expect(await page.locator('#search line.limit').count()).toBe(3);
  await expect.poll(() => page.locator('.uplot').count()).toBeGreaterThanOrEqual(3);
  await takePicture(page, 'report');
  expect(complaints).toEqual([]);
  expect(report.bytes).toBeLessThan(3_000_000);
});

test('a flame graph is zoomed and searched, and off-CPU stands beside on-CPU', async () => {
  await using report = await open(session);
  const { page, complaints } = report;
  const panel = page.locator('.panel');
  await panel.locator('.chart g').first().waitFor();
  await panel.getByRole('searchbox').first().fill('reply');
  await expect.poll(() => panel.locator('.share').first().innerText()).toMatch(/of all match/);
  await panel
    .locator('.chart g', { hasText: /^new_way|^old_way/ })
    .first()
    .click();
  await expect.poll(() => panel.getByRole('button', { name: 'Reset zoom' }).first().isEnabled()).toBe(true);
  await page.keyboard.press('Escape');
  await panel.getByRole('tab', { name: 'off-CPU' }).click();
  await expect.poll(() => panel.locator('.profile').innerText()).toContain('400,000 µs');
  expect(complaints).toEqual([]);
});

test('two stages are compared in one click: what grew, what vanished, and in which function', async () => {
  await using report = await open(session);
  const { page, complaints } = report;
  await page.getByRole('button', { name: /^ef_search 20: 2/ }).click();
  const comparison = page.locator('.comparison');
  await expect.poll(() => comparison.innerText()).toContain('From 1 vec-query:ef_10 to 2 vec-query:ef_20');
  const rows = comparison.locator('tbody tr');
  await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(2);
  const changed = (await rows.allInnerTexts()).slice(0, 2).join('\n');
  expect(changed).toContain('old_way');
  expect(changed).toContain('new_way');
  await comparison.getByRole('button', { name: /What vanished/ }).click();
  await expect.poll(() => comparison.locator('.chart').innerText()).toContain('old_way');
  await takePicture(page, 'report-compare');
  expect(complaints).toEqual([]);
});

test('beside a trial stand those beside it in what was turned, whenever they ran', async () => {
  await using report = await open({ ...session, efSearch: (i) => [100, 10, 40, 20][i]! });
  const { page, complaints } = report;
  await page.locator('#stages tbody a').nth(3).press('Enter');
  await expect.poll(() => page.locator('.panel h3').innerText()).toContain('4 ');
  await page.getByRole('button', { name: /^ef_search 10: 2/ }).waitFor();
  await page.getByRole('button', { name: /^ef_search 40: 3/ }).click();
  await expect.poll(() => page.locator('.comparison').innerText()).toContain('From 3 ');
  expect(complaints).toEqual([]);
});

test('the steps of an experiment that is no search stand as charts and a table', async () => {
  const measured = (percent: number): object => ({
    ...{ stage: `get:mem_${percent}`, state: 'measured', percent, keys: percent * 1000 },
    ...{ result: { qps: 20_000 - percent, latencyP50: 1, latencyP99: 2, recallAvg: null } },
    after: { usedBytes: percent * 1024 ** 2, fragmentationRatio: 1.1, evictedKeys: 0 },
  });
  const refused = { stage: 'get:<b>', state: 'refused', percent: 100, message: 'OOM <i>', keys: 100_000 };
  await using report = await open({
    stages: ['get:mem_50', 'get:mem_90'],
    folded: () => 'main 1\n',
    answer: { version: 1, state: 'done', points: [measured(50), measured(90), refused] },
  });
  const { page, complaints } = report;
  await page.getByRole('heading', { name: 'Steps' }).waitFor();
  expect(await page.locator('#search svg').count()).toBe(2);
  expect(await page.locator('#search circle').count()).toBe(4);
  const rows = await page.locator('#search tbody tr').allInnerTexts();
  expect(rows[0]).toMatch(/get:mem_50\s+measured\s+50\s+50,000\s+19,950\s+1\s+2\s+50\.0 MiB/);
  expect(rows[2]).toContain('refused: OOM <i>');
  expect(complaints).toEqual([]);
});

test('hover reads all charts at one time, and a drag zooms all of them', async () => {
  await using report = await open(session);
  const { page, complaints } = report;
  const over = page.locator('.u-over');
  await over.first().waitFor();
  await over.first().scrollIntoViewIfNeeded();
  const box = (await over.first().boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  const times = async (): Promise<string[]> =>
    page.locator('.u-legend tr:first-child .u-value').allInnerTexts();
  await expect
    .poll(times)
    .toSatisfy((all: string[]) => all.length > 1 && all.every((text) => /\d/.test(text)));
  await page.mouse.move(box.x + box.width * 0.3, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 20, { steps: 5 });
  await page.mouse.up();
  const whole = page.getByRole('button', { name: 'Whole session' });
  await expect.poll(() => whole.isEnabled()).toBe(true);
  await whole.click();
  await expect.poll(() => whole.isEnabled()).toBe(false);
  expect(complaints).toEqual([]);
});

test('keys alone reach a stage and move through its graph, and every chart has a table', async () => {
  await using report = await open(session, { dark: true });
  const { page, complaints } = report;
  await page.locator('#stages tbody a').nth(2).press('Enter');
  await expect.poll(() => page.locator('.panel h3').innerText()).toBe('3 vec-query:ef_30');
  const chart = page.locator('.panel .chart');
  await chart.locator('g').first().waitFor();
  await chart.press('ArrowDown');
  await chart.press('ArrowDown');
  await expect.poll(() => page.locator('.panel output').first().innerText()).toContain('main');
  for (const id of ['search', 'timeline']) {
    await page.locator(`#${id} details.behind summary`).first().press('Enter');
    await page.locator(`#${id} details.behind table`).first().waitFor();
  }
  for (const landmark of ['main', 'navigation', 'banner'] as const)
    expect(await page.getByRole(landmark).count()).toBe(1);
  await takePicture(page, 'report-dark');
  expect(complaints).toEqual([]);
});

test('hostile stage and function names are shown as text, on a narrow page too', async () => {
  await using report = await open(
    {
      stages: hostile,
      folded: () => `pool;</script><script>alert(1)</script>;"'&<b> 5\npool;${long} 5\n`,
      warnings: [{ code: '<b>', message: '</script><img src=x onerror=alert(1)>' }],
    },
    { width: 390 },
  );
  const { page, complaints } = report;
  await page.locator('.panel .chart g').first().waitFor();
  const text = await page.locator('body').innerText();
  expect(text).toContain('</script><img src=x onerror=alert(1)>');
  expect(text).toContain('get:<script>alert(1)</script>');
  expect(await page.locator('img, b b, main script').count()).toBe(0);
  // Nothing makes the page itself wider than the screen.
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await takePicture(page, 'report-narrow');
  expect(complaints).toEqual([]);
});
