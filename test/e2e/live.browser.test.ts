import { connect } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { openPage, startBrowser, takePicture, type WatchedPage } from './browser.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { LiveRun } from './live-run.ts';
import { startLoad } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'chromium');

const patience = { timeout: 30_000 };
const slow = 120_000;

let server: RunningServer;
let load: AsyncDisposable;
beforeAll(async () => {
  server = await startServer();
  load = startLoad(server.port);
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const stagesOn = (page: Page): Promise<string[]> => page.locator('#stages tbody th a').allInnerTexts();
const stateOn = (page: Page): Promise<string> => page.locator('.live').innerText();

async function visit(
  browser: Awaited<ReturnType<typeof startBrowser>>['browser'],
  url: URL,
  options: { dark?: boolean; width?: number } = {},
): Promise<WatchedPage> {
  return await openPage(browser, url.href, {
    ...options,
    allowed: (asked) => new URL(asked).origin === url.origin,
  });
}

test(
  'the page fills while stages run, and is the report when all is over and the process gone',
  { timeout: slow },
  async () => {
    await using run = new LiveRun(server.pid, [
      '--profile',
      'flamegraph',
      '--profile',
      'metrics',
      '--hook',
      'threads',
    ]);
    const url = await run.url();
    expect(url.hostname).toBe('127.0.0.1');
    await using started = await startBrowser();
    const { page, complaints } = await visit(started.browser, url);
    await expect.poll(() => stateOn(page), patience).toBe('live');

    run.begin('get:<img/src=x/onerror=alert(1)>');
    await expect.poll(() => stagesOn(page), patience).toEqual(['1 get:<img/src=x/onerror=alert(1)>']);
    expect(await page.locator('#stages tbody th').innerText()).toContain('open');
    await expect.poll(() => page.locator('#hooks').innerText(), patience).toMatch(/perf-record.+capturing/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    run.end('get:<img/src=x/onerror=alert(1)>');
    await run.stage('set:</script><script>alert(2)</script>');
    await expect
      .poll(() => stagesOn(page), patience)
      .toEqual(['1 get:<img/src=x/onerror=alert(1)>', '2 set:</script><script>alert(2)</script>']);
    // Marker to capture, in milliseconds.
    await expect
      .poll(() => page.locator('#hooks').innerText(), patience)
      .toMatch(/perf-record.+armed\s+2\s+\d[\d.]* ms/);
    await expect.poll(() => page.locator('.uplot').count(), patience).toBeGreaterThanOrEqual(3);
    await expect.poll(() => page.locator('#timeline').innerText(), patience).toContain('valkey-server');
    await takePicture(page, 'live');

    const { ran, session } = await run.finish();
    expect(ran.code, ran.stderr).toBe(0);
    expect(session.spans.length).toBe(2);
    await expect.poll(() => stateOn(page), patience).toMatch(/^ended: this is the report/);
    expect(await page.locator('.facts').innerText()).toContain('complete');
    for (const name of ['2 set', '1 get']) {
      await page.locator('#stages tbody a', { hasText: name }).click();
      await expect.poll(() => page.locator('.panel h3').innerText(), patience).toContain(name);
      await page
        .locator('.panel .chart g', { hasText: /aeMain|valkey-server/ })
        .first()
        .waitFor(patience);
    }
    await page.getByRole('button', { name: /^Next: 2/ }).click();
    await expect.poll(() => page.locator('.comparison').innerText(), patience).toContain('From 1 get');
    expect(await page.locator('img, main script').count()).toBe(0);
    await takePicture(page, 'live-ended');
    expect(complaints).toEqual([]);
  },
);

test(
  'a page whose connection breaks goes on where it was: nothing is lost, nothing is twice',
  { timeout: slow },
  async () => {
    await using run = new LiveRun(server.pid, ['--profile', 'metrics']);
    const url = await run.url();
    // A tunnel's port is another.
    await using proxy = await CuttableProxy.start(Number(url.port));
    url.port = String(proxy.port);
    await using started = await startBrowser();
    const { page, complaints } = await visit(started.browser, url, { dark: true, width: 390 });
    await run.stage('get:1', 50);
    await expect.poll(() => stagesOn(page), patience).toEqual(['1 get:1']);
    for (const round of [1, 2]) {
      const { asked } = proxy;
      proxy.cut();
      await expect.poll(() => stateOn(page), patience).toContain('trying again');
      run.begin(`set:${round}`);
      await run.stage(`get:away-${round}`, 50);
      run.end(`set:${round}`);
      // It tries while the line is dead.
      await expect.poll(() => proxy.asked, patience).toBeGreaterThan(asked);
      proxy.mend();
      await expect.poll(() => stateOn(page), patience).toBe('live');
      await expect.poll(() => stagesOn(page), patience).toHaveLength(1 + 2 * round);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await takePicture(page, 'live-narrow');
    const { ran, session } = await run.finish();
    expect(ran.code, ran.stderr).toBe(0);
    await expect.poll(() => stateOn(page), patience).toMatch(/^ended/);
    const journalled = session.eventsOf('span-end').toSorted((a, b) => a.span - b.span);
    expect(await stagesOn(page)).toEqual(journalled.map(({ span, stage }) => `${span} ${stage}`));
    await page.locator('#timeline details.behind summary').click();
    const points = await page.locator('#timeline details.behind tbody td:last-child').allInnerTexts();
    const samples = session.sampleCount('system-metrics');
    // Every sample of the host is a point; of the first CPU figure as of the last.
    expect(points[0]).toBe(String(samples));
    // The browser says itself that it could not connect; nothing else went wrong.
    expect(
      complaints.filter((text) => !text.startsWith('console error: Failed to load resource: net::ERR_')),
    ).toEqual([]);
  },
);

test(
  'pages that never read, and more of them than there are places, cost the session nothing',
  { timeout: slow },
  async () => {
    await using run = new LiveRun(server.pid, ['--collect-perf']);
    const url = await run.url();
    const sockets = Array.from({ length: 24 }, () => {
      const socket = connect(Number(url.port), url.hostname);
      socket.on('error', () => 'cut off');
      socket.pause();
      socket.write(`GET /updates HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
      return socket;
    });
    try {
      await run.started();
      for (let i = 0; i < 5; i++) await run.stage(`get:${i}`);
      const { ran, session } = await run.finish();
      expect(ran.code, ran.stderr).toBe(0);
      const spans = session.spans.filter(({ stage }) => stage.startsWith('get:'));
      expect(spans.length).toBe(5);
      for (const span of spans)
        expect(span.targets[0]!.hooks['perf-record']!.coverage.state, span.stage).toBe('measured');
      expect(session.survivors()).toEqual([]);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  },
);

test('beyond loopback a token is needed, which the printed address has', { timeout: slow }, async () => {
  await using run = new LiveRun(server.pid, ['--profile', 'metrics'], ['--serve', '0.0.0.0']);
  const url = await run.url();
  expect(url.searchParams.get('token')).toMatch(/^[0-9a-f]{32}$/);
  for (const path of ['/', '/updates', '/metrics', '/detail/1', '/?token=0'])
    expect((await fetch(new URL(path, url))).status, path).toBe(403);
  expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  await using started = await startBrowser();
  const { page, complaints } = await visit(started.browser, url);
  await expect.poll(() => stateOn(page), patience).toBe('live');
  expect(complaints).toEqual([]);
  const { ran, session } = await run.finish();
  expect(ran.code, ran.stderr).toBe(0);
  await expect.poll(() => stateOn(page), patience).toMatch(/^ended/);
  // It is in nothing that stays.
  expect(JSON.stringify([session.info, session.events])).not.toContain(url.searchParams.get('token'));
});

test(
  'an address that cannot be had is told, and the session goes on without a page',
  { timeout: slow },
  async () => {
    await using run = new LiveRun(
      server.pid,
      ['--profile', 'metrics'],
      ['--serve', `127.0.0.1:${server.port}`],
    );
    await run.stage('get', 50);
    const { ran, session } = await run.finish();
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/no live page: .*EADDRINUSE/);
    expect(session.eventsOf('span-end').length).toBe(1);
  },
);
