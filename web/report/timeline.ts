import uPlot from 'uplot';
import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import type { SeriesGroup } from '../../src/report/series.ts';
import { el } from '../element.ts';
import { bytes, figure } from './format.ts';
import type { Section } from './section.ts';
import { section, table, tableBehind } from './table.ts';

interface Line {
  /** Name in the samples, or a pattern of names. */
  readonly of: string | RegExp;
  readonly label: string | ((name: string) => string);
  /** From the sampled figure to what is drawn. */
  readonly map?: (value: number) => number;
  /** Only where no line before it was found: it tells less. */
  readonly isInstead?: true;
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
      {
        of: /^pools\.(.+)\.cpuPercent$/,
        label: (name) => name.slice('pools.'.length, -'.cpuPercent'.length),
      },
      { of: 'process.userPercent', label: 'user', isInstead: true },
      { of: 'process.systemPercent', label: 'system', isInstead: true },
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
export function timelineSection(first: PageSession): Section {
  let session = first;
  let drawn: readonly Drawn[] = [];
  let plots: uPlot[] = [];
  let zoomed: Range | undefined;
  const box = el('div', { class: 'timeline' });
  const reset = el('button', { type: 'button', disabled: '' }, 'Whole session');
  const empty = el('p', { class: 'quiet' }, 'Nothing was sampled: the hook system-metrics does.');
  const whole = (): Range => ({ min: 0, max: Math.max(0.001, knownMs(session) / 1000) });
  let zooming = false;
  const zoomAll = (range: Range | undefined): void => {
    if (zooming) return;
    zooming = true;
    zoomed = range;
    reset.disabled = range === undefined;
    for (const plot of plots) plot.setScale('x', range ?? whole());
    zooming = false;
  };
  reset.addEventListener('click', () => zoomAll(undefined));

  function build(): void {
    for (const plot of plots) plot.destroy();
    const sync = uPlot.sync('time');
    plots = drawn.map(({ chart, lines }, i) => {
      const isLast = i === drawn.length - 1;
      const context: ChartContext = {
        spans: () => session.spans,
        untilMs: () => knownMs(session),
        width: box.clientWidth,
        isLast,
        range: zoomed ?? whole(),
        zoomAll,
      };
      const plot = new uPlot(optionsOf(chart, lines, context), align(lines), box);
      sync.sub(plot);
      plot.root.setAttribute('role', 'img');
      plot.root.setAttribute(
        'aria-label',
        `${chart.title} over time: ${lines.map(({ label }) => label).join(', ')}`,
      );
      return plot;
    });
  }

  function update(next: PageSession): void {
    session = next;
    const before = shapeOf(drawn);
    drawn = charts.flatMap((chart) => {
      const lines = linesOf(chart, session.series);
      return lines.length === 0 ? [] : [{ chart, lines }];
    });
    empty.hidden = drawn.length > 0;
    if (!box.isConnected) return;
    if (shapeOf(drawn) !== before || plots.length === 0) return build();
    for (const [i, { lines }] of drawn.entries()) {
      plots[i]!.setData(align(lines), false);
      plots[i]!.setScale('x', zoomed ?? whole());
    }
  }

  update(first);
  // Charts are drawn once they are on the page: only then are they as wide as it.
  requestAnimationFrame(() => {
    build();
    let drawnWidth = box.clientWidth;
    new ResizeObserver(() => {
      if (box.clientWidth === drawnWidth) return;
      drawnWidth = box.clientWidth;
      for (const plot of plots) plot.setSize({ width: drawnWidth, height: plot.height });
    }).observe(box);
  });
  const element = section(
    'timeline',
    'Timeline',
    el(
      'p',
      { class: 'tools' },
      reset,
      el('span', { class: 'quiet' }, 'Drag to zoom, double-click for the whole; shaded bands are stages.'),
    ),
    empty,
    box,
    tableBehind('The figures as a table', () => summaryTable(drawn)),
  );
  return { element, update };
}

/** Up to where anything is known: between two stages only samples come. */
function knownMs({ head, series }: PageSession): number {
  return series.reduce((last, { timesMs }) => Math.max(last, timesMs.at(-1) ?? 0), head.lastedMs);
}

interface Range {
  readonly min: number;
  readonly max: number;
}

interface Drawn {
  readonly chart: Chart;
  readonly lines: readonly DrawnLine[];
}

interface ChartContext {
  readonly spans: () => readonly PageSpan[];
  /** Where open stages end by now. */
  readonly untilMs: () => number;
  readonly width: number;
  readonly isLast: boolean;
  readonly range: Range;
  /** Undefined: the whole session. */
  readonly zoomAll: (range: Range | undefined) => void;
}

/** Which charts and lines there are: others need other plots. */
function shapeOf(drawn: readonly Drawn[]): string {
  return JSON.stringify(drawn.map(({ chart, lines }) => [chart.title, lines.map(({ label }) => label)]));
}

interface DrawnLine {
  readonly label: string;
  readonly timesMs: readonly number[];
  readonly values: readonly (number | null)[];
  readonly isInstead: boolean;
}

function linesOf(chart: Chart, series: readonly SeriesGroup[]): DrawnLine[] {
  const targets = new Set(series.map(({ target }) => target));
  const found: DrawnLine[] = [];
  for (const { of, label, map, isInstead } of chart.lines) {
    if (isInstead && found.some((line) => !line.isInstead)) continue;
    for (const { target, timesMs, values } of series)
      for (const [name, points] of Object.entries(values)) {
        if (typeof of === 'string' ? name !== of : !of.test(name)) continue;
        if (!points.some((point) => point !== null)) continue;
        const text = typeof label === 'string' ? label : label(name);
        found.push({
          label: targets.size > 1 ? `${text} ${target}` : text,
          timesMs,
          values: map ? points.map((point) => (point === null ? null : map(point))) : points,
          isInstead: isInstead ?? false,
        });
      }
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

function optionsOf(chart: Chart, lines: readonly DrawnLine[], context: ChartContext): uPlot.Options {
  const { spans, untilMs, width, isLast, range, zoomAll } = context;
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
      x: { time: false, min: range.min, max: range.max, auto: false },
      // Room above for the names of stages.
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.2 : 1] },
    },
    // The same for all: their time axes lie over each other.
    padding: [null, 24, null, 0],
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
      drawClear: [(plot) => drawBands(plot, spans(), untilMs())],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const min = plot.posToVal(plot.select.left, 'x');
          const max = plot.posToVal(plot.select.left + plot.select.width, 'x');
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoomAll({ min, max });
        },
      ],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => zoomAll(undefined))],
    },
  };
}

/** Stages behind the lines; those that overlap stand lower, so that each can be seen. */
function drawBands(plot: uPlot, spans: readonly PageSpan[], untilMs: number): void {
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
  ctx.textAlign = 'left';
  for (const span of spans) {
    const from = span.startMs / 1000;
    const to = (span.state === 'open' ? untilMs : span.startMs + span.durationMs) / 1000;
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

function summaryTable(drawn: readonly Drawn[]): HTMLElement {
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
