import uPlot from 'uplot';
import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import type { SeriesGroup } from '../../src/report/series.ts';
import { el } from '../element.ts';
import { bytes, figure } from './format.ts';
import { section, table, tableBehind } from './table.ts';

interface Line {
  /** Name in the samples, or a pattern of names. */
  readonly of: string | RegExp;
  readonly label: string | ((name: string) => string);
  /** From the sampled figure to what is drawn. */
  readonly map?: (value: number) => number;
}

interface Chart {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly Line[];
}

const percentText = (value: number): string => `${figure(value)} %`;
const bytesPerSecond = (value: number): string => `${bytes(value)}/s`;

const charts: readonly Chart[] = [
  {
    title: 'Host CPU',
    format: percentText,
    lines: [
      { of: 'cpu.total.idlePercent', label: 'busy', map: (idle) => 100 - idle },
      { of: 'cpu.total.systemPercent', label: 'system' },
      { of: 'cpu.total.stealPercent', label: 'stolen' },
    ],
  },
  {
    title: "Server's CPU",
    format: percentText,
    lines: [
      { of: /^pools\.(.+)\.cpuPercent$/, label: (name) => name.split('.')[1] ?? name },
      { of: 'process.userPercent', label: 'user' },
      { of: 'process.systemPercent', label: 'system' },
    ],
  },
  {
    title: 'Requests of the server',
    format: (value) => `${figure(value)}/s`,
    lines: [{ of: 'server.commandsPerSecond', label: 'commands' }],
  },
  {
    title: 'Memory',
    format: bytes,
    lines: [
      { of: 'process.rssBytes', label: "server's RSS" },
      { of: 'server.usedMemoryBytes', label: 'used_memory' },
    ],
  },
  {
    title: 'Network',
    format: bytesPerSecond,
    lines: [
      { of: 'network.total.rxBytesPerSecond', label: 'received' },
      { of: 'network.total.txBytesPerSecond', label: 'sent' },
      { of: 'network.interfaces.lo.txBytesPerSecond', label: 'loopback' },
    ],
  },
  {
    title: 'Disk',
    format: bytesPerSecond,
    lines: [
      { of: /^disks\.(.+)\.writtenBytesPerSecond$/, label: (name) => `${name.split('.')[1]} written` },
      { of: /^disks\.(.+)\.readBytesPerSecond$/, label: (name) => `${name.split('.')[1]} read` },
    ],
  },
];

const colours = ['#2f7ed8', '#d9822b', '#3d9950', '#a854c7', '#c23030', '#738091'];
const chartHeight = 130;

/** Everything sampled on one time axis, with the stages as bands: hover reads all, drag zooms all. */
export function timelineSection(session: PageSession): HTMLElement | undefined {
  const drawn = charts.flatMap((chart) => {
    const lines = linesOf(chart, session.series);
    return lines.length === 0 ? [] : [{ chart, lines }];
  });
  if (drawn.length === 0) return undefined;
  const box = el('div', { class: 'timeline' });
  const reset = el('button', { type: 'button', disabled: '' }, 'Whole session');
  const plots: uPlot[] = [];
  const whole = { min: 0, max: session.head.lastedMs / 1000 };
  let zooming = false;
  const zoomAll = (min: number, max: number): void => {
    if (zooming) return;
    zooming = true;
    reset.disabled = min <= whole.min && max >= whole.max;
    for (const plot of plots) plot.setScale('x', { min, max });
    zooming = false;
  };
  reset.addEventListener('click', () => zoomAll(whole.min, whole.max));
  // Charts are drawn once they are on the page: only then are they as wide as it.
  requestAnimationFrame(() => {
    const sync = uPlot.sync('time');
    for (const [i, { chart, lines }] of drawn.entries()) {
      const plot = new uPlot(
        optionsOf(chart, lines, session.spans, box.clientWidth, i === drawn.length - 1, whole, zoomAll),
        align(lines),
        box,
      );
      plots.push(plot);
      sync.sub(plot);
      plot.root.setAttribute('role', 'img');
      plot.root.setAttribute(
        'aria-label',
        `${chart.title} over time: ${lines.map(({ label }) => label).join(', ')}`,
      );
    }
    let drawnWidth = box.clientWidth;
    new ResizeObserver(() => {
      if (box.clientWidth === drawnWidth) return;
      drawnWidth = box.clientWidth;
      for (const plot of plots) plot.setSize({ width: drawnWidth, height: plot.height });
    }).observe(box);
  });
  return section(
    'timeline',
    'Timeline',
    el(
      'p',
      { class: 'tools' },
      reset,
      el('span', { class: 'quiet' }, 'Drag to zoom, double-click for the whole; shaded bands are stages.'),
    ),
    box,
    tableBehind('The figures as a table', () => summaryTable(drawn)),
  );
}

interface DrawnLine {
  readonly label: string;
  readonly timesMs: readonly number[];
  readonly values: readonly (number | null)[];
}

function linesOf(chart: Chart, series: readonly SeriesGroup[]): DrawnLine[] {
  const targets = new Set(series.map(({ target }) => target));
  const found: DrawnLine[] = [];
  for (const { of, label, map } of chart.lines)
    for (const { target, timesMs, values } of series)
      for (const [name, points] of Object.entries(values)) {
        if (typeof of === 'string' ? name !== of : !of.test(name)) continue;
        if (!points.some((point) => point !== null)) continue;
        const text = typeof label === 'string' ? label : label(name);
        found.push({
          label: targets.size > 1 ? `${text} ${target}` : text,
          timesMs,
          values: map ? points.map((point) => (point === null ? null : map(point))) : points,
        });
      }
  return found.slice(0, 12);
}

/** One axis for lines of different hooks: their times are joined. */
function align(lines: readonly DrawnLine[]): uPlot.AlignedData {
  return uPlot.join(
    lines.map(
      ({ timesMs, values }) => [timesMs.map((ms) => ms / 1000), values] as unknown as uPlot.AlignedData,
    ),
  );
}

function optionsOf(
  chart: Chart,
  lines: readonly DrawnLine[],
  spans: readonly PageSpan[],
  width: number,
  isLast: boolean,
  whole: { readonly min: number; readonly max: number },
  zoomAll: (min: number, max: number) => void,
): uPlot.Options {
  const text = (): string => getComputedStyle(document.documentElement).getPropertyValue('--quiet');
  const grid = {
    stroke: () => getComputedStyle(document.documentElement).getPropertyValue('--line'),
    width: 1,
  };
  return {
    title: chart.title,
    width,
    height: chartHeight + (isLast ? 30 : 0),
    cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: {
      x: { time: false, range: [whole.min, whole.max] as unknown as uPlot.Range.MinMax },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] },
    },
    legend: { live: true },
    axes: [
      { stroke: text, grid, show: isLast, values: (_, ticks) => ticks.map((tick) => `${figure(tick)} s`) },
      { stroke: text, grid, size: 76, values: (_, ticks) => ticks.map((tick) => chart.format(tick)) },
    ],
    series: [
      {
        label: 'time',
        value: (_, value) => (value === null || value === undefined ? '' : `${value.toFixed(2)} s`),
      },
      ...lines.map(({ label }, i): uPlot.Series => ({
        label,
        stroke: colours[i % colours.length]!,
        width: 1.5,
        spanGaps: true,
        points: { show: false },
        value: (_, value) => (value === null || value === undefined ? '' : chart.format(value)),
      })),
    ],
    hooks: {
      drawClear: [(plot) => drawBands(plot, spans)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const min = plot.posToVal(plot.select.left, 'x');
          const max = plot.posToVal(plot.select.left + plot.select.width, 'x');
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoomAll(min, max);
        },
      ],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => zoomAll(whole.min, whole.max))],
    },
  };
}

/** Stages behind the lines; those that overlap stand lower, so that each can be seen. */
function drawBands(plot: uPlot, spans: readonly PageSpan[]): void {
  const { ctx, bbox } = plot;
  const { min = 0, max = 0 } = plot.scales['x'] as { min?: number; max?: number };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const open: number[] = [];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  for (const span of spans) {
    const [from, to] = [span.startMs / 1000, (span.startMs + span.durationMs) / 1000];
    let lane = open.findIndex((end) => end <= from);
    if (lane < 0) lane = open.push(0) - 1;
    open[lane] = to;
    if (to < min || from > max) continue;
    const left = plot.valToPos(Math.max(from, min), 'x', true);
    const right = plot.valToPos(Math.min(to, max), 'x', true);
    const top = bbox.top + lane * 14 * devicePixelRatio;
    const shade = span.watched
      ? dark
        ? '122, 178, 255'
        : '10, 90, 209'
      : dark
        ? '160, 160, 160'
        : '90, 102, 119';
    ctx.fillStyle = `rgba(${shade}, ${span.id % 2 === 0 ? 0.13 : 0.2})`;
    ctx.fillRect(left, top, Math.max(1, right - left), bbox.top + bbox.height - top);
    if (right - left < 40 * devicePixelRatio) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left - 2, 14 * devicePixelRatio);
    ctx.clip();
    ctx.fillStyle = dark ? '#c9d4e3' : '#33415a';
    ctx.fillText(span.stage.slice(0, 60), left + 3 * devicePixelRatio, top + 2 * devicePixelRatio);
    ctx.restore();
  }
  ctx.restore();
}

function summaryTable(
  drawn: readonly { readonly chart: Chart; readonly lines: readonly DrawnLine[] }[],
): HTMLElement {
  return table(
    'Each line over the whole session',
    ['chart', 'line', 'mean', 'least', 'most', 'points'],
    drawn.flatMap(({ chart, lines }) =>
      lines.map(({ label, values }) => {
        const known = values.filter((value) => value !== null);
        const sum = known.reduce((all, value) => all + value, 0);
        return [
          chart.title,
          label,
          chart.format(sum / known.length),
          chart.format(known.reduce((least, value) => Math.min(least, value), Infinity)),
          chart.format(known.reduce((most, value) => Math.max(most, value), -Infinity)),
          known.length,
        ];
      }),
    ),
  );
}
