import type { PageSession } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { bytes, figure } from './format.ts';
import { scatter } from './scatter.ts';
import { table } from './table.ts';

/** A step of memory-saturation, payload-impact or bench, as far as this page reads it. */
type Point = Readonly<Record<string, unknown>>;

interface Column {
  readonly title: string;
  readonly of: (point: Point) => number | undefined;
  readonly text: (value: number) => string;
}

const columns: readonly Column[] = [
  { title: 'memory used (%)', of: (point) => at(point, 'percent'), text: figure },
  { title: 'value', of: (point) => at(point, 'valueBytes'), text: bytes },
  { title: 'keys', of: (point) => at(point, 'keys'), text: figure },
  { title: 'memory a key', of: (point) => at(point, 'bytesPerKey'), text: bytes },
  { title: 'QPS', of: (point) => at(point, 'result', 'qps'), text: figure },
  { title: 'p50 (ms)', of: (point) => at(point, 'result', 'latencyP50'), text: figure },
  { title: 'p99 (ms)', of: (point) => at(point, 'result', 'latencyP99'), text: figure },
  { title: 'recall', of: (point) => at(point, 'result', 'recallAvg'), text: figure },
  { title: 'used_memory after', of: (point) => at(point, 'after', 'usedBytes'), text: bytes },
  { title: 'fragmentation after', of: (point) => at(point, 'after', 'fragmentationRatio'), text: figure },
  { title: 'evicted after', of: (point) => at(point, 'after', 'evictedKeys'), text: figure },
];

/** What a chart may stand over. */
const axes = ['memory used (%)', 'value'];
const drawn = ['QPS', 'p99 (ms)'];

/** The steps of an experiment that is no search; empty where the answer has none. */
export function pointsOf({ answer }: PageSession): readonly Point[] {
  const points: unknown = answer?.['points'];
  return Array.isArray(points)
    ? points.filter((point): point is Point => typeof point === 'object' && point !== null)
    : [];
}

/** QPS and p99 along the steps, and all of them as a table. */
export function pointsView(points: readonly Point[]): HTMLElement[] {
  const shown = columns.filter(({ of }) => points.some((point) => of(point) !== undefined));
  const along = shown.find(({ title, of }) => axes.includes(title) && new Set(points.map(of)).size > 1);
  const charts = along
    ? shown.filter(({ title }) => drawn.includes(title)).map((column) => chartOf(points, along, column))
    : [];
  return [
    ...(charts.length > 0 ? [el('div', { class: 'charts' }, ...charts)] : []),
    table(
      'Steps, in order',
      ['stage', 'state', ...shown.map(({ title }) => title)],
      points.map((point) => [
        textAt(point, 'stage'),
        stateOf(point),
        ...shown.map(({ of, text }) => {
          const value = of(point);
          return value === undefined ? '' : text(value);
        }),
      ]),
    ),
  ];
}

function chartOf(points: readonly Point[], along: Column, column: Column): HTMLElement {
  const title = `${column.title} against ${along.title}`;
  const placed = points.flatMap((point) => {
    const [x, y] = [along.of(point), column.of(point)];
    return x === undefined || y === undefined ? [] : [{ x, y, point }];
  });
  return el(
    'figure',
    {},
    el('figcaption', {}, title),
    scatter({
      title,
      xName: along.title,
      yName: column.title,
      points: placed.map(({ x, y, point }) => ({
        x,
        y,
        kind: 'trial',
        label: `${textAt(point, 'stage')}: ${column.title} ${column.text(y)} at ${along.text(x)}`,
      })),
    }),
  );
}

function stateOf(point: Point): string {
  const why = textAt(point, 'message') || textAt(point['error'] ?? {}, 'message');
  return [textAt(point, 'state'), ...(why === '' ? [] : [why])].join(': ');
}

function textAt(value: unknown, key: string): string {
  const found = (value as Point | null)?.[key];
  return typeof found === 'string' ? found : '';
}

function at(value: unknown, ...path: readonly string[]): number | undefined {
  let inner = value;
  for (const key of path) inner = (inner as Point | null | undefined)?.[key];
  return typeof inner === 'number' && Number.isFinite(inner) ? inner : undefined;
}
