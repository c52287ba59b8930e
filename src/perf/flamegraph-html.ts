import { createHash } from 'node:crypto';
import { buildFlameTree } from './flame-tree.ts';

export interface FlamegraphPage {
  /** The stage, as the benchmark printed it: untrusted, like every name in the stacks. */
  readonly title: string;
  /** Shown below it: `999 Hz`, `cpu-clock`, `1.2 s`. */
  readonly facts: readonly string[];
  /** What a weight counts; default `samples`. */
  readonly unit?: string;
  /** `a;b;c 42` a line. */
  readonly folded: string;
}

/**
 * One page that opens from disk, offline. Its policy allows nothing but the one script, by its hash; all names travel
 * as JSON and are shown as text.
 * @param script the bundled dist/web/flamegraph.js
 */
export function flamegraphHtml(page: FlamegraphPage, script: string): string {
  const { names, frames, total } = buildFlameTree(page.folded);
  const { title, facts, unit = 'samples' } = page;
  const data = embeddedJson({ title, facts, unit, names, frames, total });
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="stagewatch">
<title>${escapeHtml(title)} - flame graph</title>
</head>
<body>
<noscript>This flame graph needs JavaScript. The same stacks are in stacks.folded beside it.</noscript>
<script type="application/json" id="profile">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON that cannot end the script element it stands in. */
function embeddedJson(value: object): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\x00-\x1f\x7f]/g, '?');
}
