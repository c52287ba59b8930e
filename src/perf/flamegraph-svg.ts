import { changeColor, type FlameData, type Profile, unpack } from './flame-profile.ts';
import { buildFlameTree } from './flame-tree.ts';
import type { FlamegraphPage } from './flamegraph-html.ts';

const width = 1200;
const margin = 10;
const rowHeight = 17;
const headHeight = 52;
const footHeight = 26;
/** Narrower frames could not be seen; thousands of them would make the file large. */
const smallestPx = 0.3;
const characterPx = 6.6;

/**
 * A flame graph that any viewer of pictures shows as it is, with titles; opened alone in a browser it zooms and
 * searches, by the one script that it carries. Nothing is fetched.
 * @param script the bundled dist/web/flamegraph-svg.js
 */
export function* flamegraphSvg(page: FlamegraphPage, script: string): Iterable<string> {
  const { title, facts, unit = 'samples' } = page;
  const profile: Profile = { title, facts, unit, ...buildFlameTree(page.folded, page.before) };
  const root = unpack(profile);
  const scale = (width - 2 * margin) / (profile.total || 1);
  const height = headHeight + depthOf(root, smallestPx / scale) * rowHeight + footHeight;
  const label = escapeXml(title);
  yield `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`;
  yield `<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}" font-family="monospace" font-size="11" data-total="${profile.total}" data-margin="${margin}">`;
  yield `<style>#frames text{pointer-events:none}</style>`;
  yield `<rect width="100%" height="100%" fill="#fdfcf8"/>`;
  yield `<text x="${width / 2}" y="22" text-anchor="middle" font-size="16" font-family="sans-serif">${label}</text>`;
  yield `<text x="${margin}" y="42" id="facts">${escapeXml([`${profile.total} ${unit}`, ...facts].join(' · '))}</text>`;
  yield `<text x="${margin}" y="22" id="reset" fill="#1a5fb4" visibility="hidden">Reset zoom</text>`;
  yield `<text x="${width - margin}" y="22" id="search" text-anchor="end" fill="#1a5fb4" visibility="hidden">Search</text>`;
  yield `<text x="${margin}" y="${height - 9}" id="detail"> </text>`;
  yield `<text x="${width - margin}" y="${height - 9}" id="matched" text-anchor="end"> </text>`;
  yield `<g id="frames">`;
  yield* framesOf(root, profile, scale);
  yield `</g>`;
  if (profile.before !== undefined) yield* changeLegend(height);
  // The script holds no end of a CDATA section; names are not in it.
  yield `<script><![CDATA[${script.replaceAll(']]>', ']]]]><![CDATA[>')}]]></script>`;
  yield `</svg>`;
}

/** Rows that are drawn. */
function depthOf(root: FlameData, smallest: number): number {
  let deepest = 0;
  for (const waiting = [{ node: root, depth: 1 }]; waiting.length > 0;) {
    const { node, depth } = waiting.pop() as { node: FlameData; depth: number };
    deepest = Math.max(deepest, depth);
    for (const child of node.c) if (child.v >= smallest) waiting.push({ node: child, depth: depth + 1 });
  }
  return deepest;
}

function* framesOf(root: FlameData, { total, before, unit }: Profile, scale: number): Iterable<string> {
  const share = (weight: number, of: number): string => ((100 * weight) / (of || 1)).toFixed(2);
  const waiting = [{ node: root, start: 0, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, start, depth } = next;
    const x = margin + start * scale;
    const w = node.v * scale;
    const y = headHeight + depth * rowHeight;
    const name = escapeXml(node.n);
    const was = before ? `, before ${share(node.vBefore ?? 0, before.total)} %` : '';
    const room = Math.floor((w - 6) / characterPx);
    const text = room < 3 ? '' : node.n.length <= room ? name : `${escapeXml(node.n.slice(0, room - 1))}…`;
    yield `<g class="f" data-s="${start}" data-v="${node.v}" data-d="${depth}"><title>${name} (${node.v} ${unit}, ${share(node.v, total)} %${was})</title><rect x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="${rowHeight - 1}" rx="1" fill="${node.color}"/><text x="${(x + 3).toFixed(1)}" y="${y + 12}">${text}</text></g>`;
    let at = start;
    const children: typeof waiting = [];
    for (const child of node.c) {
      if (child.v * scale >= smallestPx) children.push({ node: child, start: at, depth: depth + 1 });
      at += child.v;
    }
    waiting.push(...children.reverse());
  }
}

function* changeLegend(height: number): Iterable<string> {
  const entries = [
    ['grew', 1],
    ['as before', 0],
    ['shrank', -1],
  ] as const;
  for (const [index, [name, change]] of entries.entries()) {
    const x = width / 2 - 120 + index * 90;
    yield `<rect x="${x}" y="${height - 19}" width="11" height="11" fill="${changeColor(change)}"/><text x="${x + 15}" y="${height - 9}">${name}</text>`;
  }
}

/** Text of an element or attribute of XML; what it may not hold at all is shown as `?`. */
function escapeXml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\x00-\x1f\x7f-\x9f\ufffe\uffff]/g, '?');
}
