import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startBrowser } from '../test/e2e/browser.ts';
import { madeSession } from '../test/report/made-session.ts';

const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const RUNS = 3;

const sizes = [
  { spans: 50, seconds: 60 },
  { spans: 2_000, seconds: 3_600 },
] as const;

/** `stagewatch report` of 50 and of 2,000 spans with an hour of metrics: time, memory, size, and how the page feels. */
export async function run(print: (line: string) => void): Promise<void> {
  for (const { spans, seconds } of sizes) {
    await using session = await madeSession({
      stages: Array.from({ length: spans }, (_, i) => `vec-query:ef_${i}`),
      folded: foldedOf,
      metricsSeconds: seconds,
    });
    const runs = Array.from({ length: RUNS }, () => timeReport(session.folder));
    const tookMs = runs.map(({ ms }) => ms).sort((a, b) => a - b)[1]!;
    const rss = Math.max(...runs.map(({ rssMiB }) => rssMiB));
    const file = join(session.folder, 'report.html');
    const megabytes = statSync(file).size / 1e6;
    print(
      `${spans} spans, ${seconds} s of metrics: ${(tookMs / 1000).toFixed(2)} s (median of ${RUNS}), ${rss} MiB, page ${megabytes.toFixed(2)} MB`,
    );
    const { paintMs, interactions } = await feelPage(file);
    print(`  first paint ${paintMs.toFixed(0)} ms; ${interactions.join(', ')}`);
  }
}

function timeReport(folder: string): { ms: number; rssMiB: number } {
  const script = `import { writeSync } from 'node:fs';
    process.on('exit', () => writeSync(2, String(process.resourceUsage().maxRSS)));`;
  const preload = `data:text/javascript,${encodeURIComponent(script)}`;
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--import', preload, cli, 'report', folder]);
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`stagewatch report failed: ${stderr.toString()}`);
  return { ms, rssMiB: Math.round(Number(stderr.toString()) / 1024) };
}

/** In a headless Chromium: when something was painted, and how long a click takes until the next frame is drawn. */
async function feelPage(file: string): Promise<{ paintMs: number; interactions: string[] }> {
  await using started = await startBrowser();
  const page = await started.browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(pathToFileURL(file).href);
  await page.locator('.panel .chart g').first().waitFor();
  const paintMs = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  );
  const clicks: readonly (readonly [string, string])[] = [
    ['choose a stage', '#stages tbody tr:nth-child(20) a'],
    ['filter stages', '#stages input[type=search]'],
    ['next tab of figures', '.panel details.behind summary'],
  ];
  const interactions: string[] = [];
  for (const [name, selector] of clicks) {
    const ms = await page.evaluate(async (wanted) => {
      const element = document.querySelector<HTMLElement>(wanted);
      if (element === null) return Number.NaN;
      const began = performance.now();
      if (element instanceof HTMLInputElement) {
        element.value = '_1';
        element.dispatchEvent(new Event('input'));
      } else element.click();
      // Two frames: the first runs before what the click changed is drawn.
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      return performance.now() - began;
    }, selector);
    interactions.push(`${name} ${ms.toFixed(0)} ms`);
    // What the click set off, a chart being drawn, is not the next click's.
    await page.waitForTimeout(2_000);
  }
  return { paintMs, interactions };
}

/** 300 stacks of 20 frames, a tenth of them of this stage alone: what a server's profile looks like. */
function foldedOf(stage: number): string {
  const lines: string[] = [];
  for (let stack = 0; stack < 300; stack++) {
    const frames = Array.from(
      { length: 20 },
      (_, depth) =>
        `function_${(stack >> Math.max(0, 8 - depth)) % 97}_${depth}${stack % 10 === 0 ? `_${stage % 7}` : ''}`,
    );
    lines.push(`valkey-server;${frames.join(';')} ${1 + ((stack * 7 + stage) % 13)}`);
  }
  return `${lines.join('\n')}\n`;
}
