import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { locate } from '../servers/locate.ts';

/** Pictures that the tests take, to be looked at; not kept by git. */
const pictures = fileURLToPath(new URL('../../artifacts/', import.meta.url));

/** A real browser; Debian's Chromium. End it with `await using`. */
export async function startBrowser(): Promise<{ browser: Browser } & AsyncDisposable> {
  const executablePath = locate('chromium');
  if (executablePath === undefined) throw new Error('chromium is not on PATH');
  // Its sandbox needs rights that a container, or root, does not have; it opens our own pages only.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return { browser, [Symbol.asyncDispose]: () => browser.close() };
}

export interface WatchedPage {
  readonly page: Page;
  /** What must stay empty: errors, messages of the console, requests that leave the page. */
  readonly complaints: string[];
}

/** A page whose every error, message and request is noted. @param allowed requests that may be made. */
export async function openPage(
  browser: Browser,
  url: string,
  options: {
    readonly dark?: boolean;
    readonly width?: number;
    readonly allowed?: (url: string) => boolean;
  } = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.dark ? 'dark' : 'light',
  });
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const asked = request.url();
    if (asked !== url && !asked.startsWith('blob:') && !options.allowed?.(asked))
      complaints.push(`request: ${asked.slice(0, 200)}`);
  });
  await page.goto(url);
  return { page, complaints };
}

export async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
