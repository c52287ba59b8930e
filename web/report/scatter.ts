import { figure } from './format.ts';

export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** Told when it is pointed at, or read. */
  readonly label: string;
  readonly kind: 'trial' | 'chosen' | 'refused';
  /** Points of one group are the same thing measured again: a line shows how far they lie apart. */
  readonly group?: string;
}

export interface Scatter {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  readonly points: readonly ScatterPoint[];
  /** A limit of the answer: points on its wrong side do not count. */
  readonly limit?: { readonly axis: 'x' | 'y'; readonly at: number; readonly label: string };
  /** Drawn through these, left to right. */
  readonly line?: readonly { readonly x: number; readonly y: number }[];
}

const width = 420;
const height = 260;
const edge = { left: 64, right: 16, top: 26, bottom: 40 };

/** Points on two axes, as SVG: it scales, prints, and its points can be read out. */
export function scatter(plot: Scatter): SVGSVGElement {
  const xs = axis(
    [...plot.points.map(({ x }) => x), ...(plot.limit?.axis === 'x' ? [plot.limit.at] : [])],
    false,
  );
  const ys = axis(
    [...plot.points.map(({ y }) => y), ...(plot.limit?.axis === 'y' ? [plot.limit.at] : [])],
    true,
  );
  const px = (x: number): number => edge.left + xs.share(x) * (width - edge.left - edge.right);
  const py = (y: number): number => height - edge.bottom - ys.share(y) * (height - edge.top - edge.bottom);
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    class: 'scatter',
    role: 'img',
    'aria-label': plot.title,
  });
  for (const tick of ys.ticks)
    root.append(
      svg('line', { class: 'grid', x1: edge.left, x2: width - edge.right, y1: py(tick), y2: py(tick) }),
      svg('text', { class: 'tick', x: edge.left - 6, y: py(tick) + 4, 'text-anchor': 'end' }, figure(tick)),
    );
  for (const tick of xs.ticks)
    root.append(
      svg(
        'text',
        { class: 'tick', x: px(tick), y: height - edge.bottom + 16, 'text-anchor': 'middle' },
        figure(tick),
      ),
    );
  root.append(
    svg('line', {
      class: 'axis',
      x1: edge.left,
      x2: width - edge.right,
      y1: height - edge.bottom,
      y2: height - edge.bottom,
    }),
    svg('text', { class: 'name', x: width - edge.right, y: height - 6, 'text-anchor': 'end' }, plot.xName),
    svg('text', { class: 'name', x: 4, y: 10 }, plot.yName),
  );
  if (plot.limit) {
    const { axis: of, at, label } = plot.limit;
    const line =
      of === 'y'
        ? { x1: edge.left, x2: width - edge.right, y1: py(at), y2: py(at) }
        : { x1: px(at), x2: px(at), y1: edge.top, y2: height - edge.bottom };
    root.append(
      svg('line', { class: 'limit', ...line }),
      svg(
        'text',
        {
          class: 'limit',
          x: of === 'y' ? width - edge.right : px(at) + 4,
          y: (of === 'y' ? py(at) : edge.top + 8) - 4,
          'text-anchor': of === 'y' ? 'end' : 'start',
        },
        label,
      ),
    );
  }
  if (plot.line && plot.line.length > 1)
    root.append(
      svg('polyline', {
        class: 'frontier',
        points: plot.line.map(({ x, y }) => `${px(x)},${py(y)}`).join(' '),
      }),
    );
  for (const { x, low, high } of spreads(plot.points))
    root.append(svg('line', { class: 'spread', x1: px(x), x2: px(x), y1: py(low), y2: py(high) }));
  // The chosen one last: on top of what it was chosen from.
  for (const point of plot.points.toSorted((a, b) => order(a) - order(b)))
    root.append(
      svg(
        'circle',
        { class: point.kind, cx: px(point.x), cy: py(point.y), r: point.kind === 'chosen' ? 6 : 4 },
        svg('title', {}, point.label),
      ),
    );
  return root;
}

function order({ kind }: ScatterPoint): number {
  return kind === 'chosen' ? 2 : kind === 'trial' ? 1 : 0;
}

/** From the least to the most of what was measured more than once. */
function spreads(points: readonly ScatterPoint[]): { x: number; low: number; high: number }[] {
  const groups = new Map<string, ScatterPoint[]>();
  for (const point of points)
    if (point.group !== undefined) groups.set(point.group, [...(groups.get(point.group) ?? []), point]);
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const ys = group.map(({ y }) => y);
      const x = group.reduce((sum, point) => sum + point.x, 0) / group.length;
      return { x, low: Math.min(...ys), high: Math.max(...ys) };
    });
}

/** Round ticks around the values. @param fromZero where the size itself is what one compares. */
function axis(
  values: readonly number[],
  fromZero: boolean,
): { ticks: number[]; share: (value: number) => number } {
  const known = values.filter(Number.isFinite);
  let low = Math.min(...known);
  let high = Math.max(...known);
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  if (fromZero && low >= 0 && low < high * 0.6) low = 0;
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const raw = (high - low) / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = size * ([1, 2, 5].find((factor) => factor * size >= raw) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { ticks, share: (value) => (value - first * step) / ((last - first) * step) };
}

function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>>,
  ...children: (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}
