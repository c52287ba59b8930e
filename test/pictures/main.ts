import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from '../e2e/browser.ts';
import { startServer } from '../servers/start.ts';

// `npm run pictures`: a search on a real server, profiled and served live, and pictures of what it leaves, for the README.
// Run from dist/test/pictures.

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const pictures = fileURLToPath(new URL('../../../docs/pictures/', import.meta.url));
const size = { width: 1200, height: 750 };
/** A picture in a README is fetched by everyone who looks at it. */
const MOST_BYTES = 250_000;

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-pictures-'));
try {
  await using server = await startServer({ program: 'redis-server' });
  const at = ['-h', '127.0.0.1', '-p', String(server.port), '--dataset', join(folder, 'demo.yaml')];
  const made = [
    '--count',
    '20000',
    '--dim',
    '64',
    '--queries',
    '1000',
    '--metric',
    'cosine',
    '--output',
    join(folder, 'demo'),
  ];
  await stagewatch('dataset', 'make', ...made);
  await using started = await startBrowser();
  const { browser } = started;
  const load = [process.execPath, cli, 'load', '-t', 'vec-load', ...at, '-q', '--stage', 'vec-load'];
  const profiled = ['--collect-perf', '--server-pid', String(server.pid), '--output-dir', folder];
  await stagewatch('run', ...profiled, '--label', 'load', '--', ...load);
  await flameGraphsOf(browser, sessionOf('load'));
  const search = start(
    ...['max-qps-recall', ...at, '--target-recall', '0.95', '--max-p99-latency', '100'],
    ...['--tune', 'ef_search:10:300:10', '-c', '2', '--duration', '1', '--repeats', '3'],
    ...['--max-runs', '60', '--profile', 'full', '--output-dir', folder, '--label', 'demo', '--serve'],
  );
  try {
    await liveOf(browser, search);
  } finally {
    if (search.kill('SIGINT')) await once(search, 'close');
  }
  const session = sessionOf('demo');
  await stagewatch('report', session);
  for (const scheme of ['light', 'dark'] as const)
    await reportOf(browser, pathToFileURL(join(session, 'report.html')).href, scheme);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** While the search runs; it goes on until it has its answer. */
async function liveOf(browser: Browser, search: ChildProcess): Promise<void> {
  const ended = once(search, 'close');
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    search.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /live page {2}(\S+)\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    search.once('close', () => reject(new Error(`the search ended:\n${said}`)));
  });
  const pages = await Promise.all(
    (['light', 'dark'] as const).map(async (scheme) => {
      const page = await browser.newPage({ viewport: size, colorScheme: scheme });
      await page.goto(url);
      // Enough trials for lines to be seen.
      await page.locator('#stages tbody tr:nth-child(6)').waitFor({ timeout: 120_000 });
      await page.locator('#timeline').evaluate((element) => element.scrollIntoView());
      await picture(page, `live-${scheme}`);
      return page;
    }),
  );
  await ended;
  for (const page of pages) await page.close();
}

/** flamegraph.html of the one stage of a session. */
async function flameGraphsOf(browser: Browser, session: string): Promise<void> {
  const files = readdirSync(session, { recursive: true, encoding: 'utf8' });
  const file = join(
    session,
    files.find((name) => name.endsWith('flamegraph.html'))!,
  );
  for (const scheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: size, colorScheme: scheme });
    await page.goto(pathToFileURL(file).href);
    await page.locator('.chart g').first().waitFor();
    await picture(page, `flamegraph-${scheme}`);
    await page.close();
  }
}

function sessionOf(label: string): string {
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(`-${label}`))!,
  );
}

async function reportOf(browser: Browser, url: string, scheme: 'light' | 'dark'): Promise<void> {
  const page = await browser.newPage({ viewport: size, colorScheme: scheme });
  await page.goto(url);
  await page.locator('.panel .chart g').first().waitFor();
  await picture(page, `report-${scheme}`);
  await page.close();
}

async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const path = join(pictures, `${name}.png`);
  // Charts are drawn in the frame after they come into view.
  await page.waitForTimeout(500);
  await page.screenshot({ path });
  const bytes = statSync(path).size;
  process.stdout.write(`${path}  ${(bytes / 1000).toFixed(0)} kB\n`);
  if (bytes > MOST_BYTES) throw new Error(`${name}.png is larger than ${MOST_BYTES} bytes`);
}

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function stagewatch(...args: readonly string[]): Promise<void> {
  const child = start(...args);
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`stagewatch ${args.join(' ')} ended with ${code}:\n${said}`);
}
