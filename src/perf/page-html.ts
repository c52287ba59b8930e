import { createHash } from 'node:crypto';

export interface Page {
  /** Untrusted, like all of the data. */
  readonly title: string;
  /** Plain text for browsers without scripts. */
  readonly noscript: string;
  /** The script finds it as JSON in the element `data`. */
  readonly data: object;
  /** Bundled browser code: dist/web/NAME.js. */
  readonly script: string;
  /** It may ask the server that it came from. */
  readonly connects?: true;
}

/**
 * One page that opens from disk, offline. Its policy allows nothing but the one script, by its hash; the data travels
 * as JSON and is shown as text.
 */
export function pageHtml({ title, noscript, data, script, connects }: Page): string {
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}';${connects ? " connect-src 'self';" : ''} base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="stagewatch">
<title>${escapeHtml(title)}</title>
</head>
<body>
<noscript>${escapeHtml(noscript)}</noscript>
<script type="application/json" id="data">${embeddedJson(data)}</script>
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
