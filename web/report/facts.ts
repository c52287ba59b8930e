import type { SpanDetail } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { bytes, figure } from './format.ts';
import { table } from './table.ts';

const titles: Readonly<Record<string, string>> = {
  'perf-stat.json': 'Counters',
  'server.json': 'Server: difference over the stage',
  'threads.json': 'Threads',
  'metrics.json': 'Host and process',
};

/** What the hooks left as figures: one table a file, folded away but for the server's. */
export function factTables(detail: SpanDetail): HTMLElement[] {
  const several = new Set(detail.files.map(({ target }) => target)).size > 1;
  return detail.files.map(({ target, name, json }) => {
    const title = `${titles[name] ?? name}${several ? ` ${target}` : ''}`;
    const box = el('details', { class: 'behind' }, el('summary', {}, title));
    box.addEventListener(
      'toggle',
      () => box.append(table(title, ['figure', 'value'], leaves(json).slice(0, 2_000), 'facts')),
      { once: true },
    );
    return box;
  });
}

const hidden = new Set(['version', 'stage']);

/** Every figure by its path; `{ start, end }` on one line. */
function leaves(value: unknown, path: readonly string[] = []): [string, string][] {
  if (value === null || value === undefined) return [[path.join(' '), '-']];
  if (typeof value !== 'object') return [[path.join(' '), text(value, path.at(-1) ?? '', path)]];
  if (isRange(value)) {
    const { start, end } = value;
    const change = end - start;
    const shown = [start, end, change].map((one) => text(one, path.at(-1) ?? '', path));
    return [
      [
        path.join(' '),
        `${shown[0]} to ${shown[1]}${change === 0 ? '' : ` (${change > 0 ? '+' : ''}${shown[2]})`}`,
      ],
    ];
  }
  return Object.entries(value)
    .filter(([key]) => path.length > 0 || !hidden.has(key))
    .flatMap(([key, inner]) => leaves(inner, [...path, label(key, inner)]));
}

/** Rows of lists are named by what they are of. */
function label(key: string, inner: unknown): string {
  if (!/^\d+$/.test(key) || typeof inner !== 'object' || inner === null) return key;
  const { name, event, pool } = inner as { name?: unknown; event?: unknown; pool?: unknown };
  const named = name ?? event ?? pool;
  return typeof named === 'string' ? named : key;
}

function isRange(value: object): value is { start: number; end: number } {
  const { start, end } = value as { start?: unknown; end?: unknown };
  return typeof start === 'number' && typeof end === 'number' && Object.keys(value).length === 2;
}

function text(value: unknown, key: string, path: readonly string[]): string {
  if (typeof value !== 'number') return String(value);
  return /bytes/i.test(key) || path.some((part) => part.endsWith('Bytes')) ? bytes(value) : figure(value);
}
