/** The rendering child: a job on standard input, one flamegraph.html a span out of it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FlamegraphJob } from './flamegraph-run.ts';
import { flamegraphHtml } from './flamegraph-html.ts';
import { writeWhole } from './write-whole.ts';

const { pages } = JSON.parse(readFileSync(0, 'utf8')) as FlamegraphJob;
const script = readFileSync(fileURLToPath(new URL('../../web/flamegraph.js', import.meta.url)), 'utf8');
for (const { title, facts, folded, html, unit } of pages) {
  mkdirSync(dirname(html), { recursive: true, mode: 0o700 });
  writeWhole(html, [
    flamegraphHtml({ title, facts, folded: readFolded(folded), ...(unit !== undefined && { unit }) }, script),
  ]);
}
process.stdout.write(`${JSON.stringify({ pages: pages.length })}\n`);

/** A span without samples has none: its page says so. */
function readFolded(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
