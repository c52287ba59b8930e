import { styleText } from 'node:util';
import { topFunctions, type FunctionTable } from '../report/functions.ts';
import { factOf, type Report, type ReportSpan } from '../report/report.ts';
import { answerLines, trialTable } from './show-search.ts';
import { sparkline } from './sparkline.ts';
import { duration, printable, table } from './text.ts';

export interface ShowOptions {
  /** Functions of each stage; 0 for none. */
  readonly top: number;
  /** Columns. */
  readonly width: number;
  readonly colour: boolean;
}

/** Rows of a table before it is cut, and that is told: a session may have thousands of spans. */
const MOST_ROWS = 100;

interface Line {
  readonly name: string;
  readonly title: string;
  /** What a full bar is; the highest value where nothing is said. */
  readonly max?: number;
  /** What is shown is what is left of `max`. */
  readonly rest?: true;
}

/** What is drawn of the samples, by name. */
const lines: readonly Line[] = [
  { name: 'cpu.total.idlePercent', title: 'host CPU', max: 100, rest: true },
  { name: 'process.userPercent', title: 'server user CPU' },
  { name: 'process.systemPercent', title: 'server system CPU' },
  { name: 'process.rssBytes', title: 'server memory' },
  { name: 'server.commandsPerSecond', title: 'commands/s' },
];

export const shownSeries: ReadonlySet<string> = new Set(lines.map(({ name }) => name));

/** The whole of a session as text. */
export function showReport(
  report: Report,
  functions: ReadonlyMap<number, FunctionTable>,
  options: ShowOptions,
): string {
  const { width, colour } = options;
  const bold = (text: string): string => (colour ? styleText('bold', text, { validateStream: false }) : text);
  const section = (title: string, body: readonly string[]): string[] =>
    body.length === 0 ? [] : ['', bold(title), ...body.map((line) => cut(line, width))];
  return [
    ...headLines(report).map((line, i) => (i === 0 ? bold(cut(line, width)) : cut(line, width))),
    ...section('answer', answerLines(report)),
    ...section('stages', spanTable(report.spans, functions)),
    ...section('trials', trialTable(report.trials, MOST_ROWS)),
    ...section('functions', options.top === 0 ? [] : functionLines(report, functions, options.top)),
    ...section('over time', seriesLines(report, width)),
    ...section('warnings', warningLines(report)),
    '',
  ].join('\n');
}

function headLines({ session, targets, host }: Report): string[] {
  const command = session.command.length > 0 ? [printable(session.command.join(' '), 1_000)] : [];
  const servers = targets.map(
    ({ target, program, pid, version }) =>
      `server   ${printable(version ?? program, 60)} (pid ${pid}), ${printable(target, 60)}`,
  );
  return [
    `${printable(session.label, 60)}  ${session.state}  ${session.startedAt}  ${duration(session.lastedMs)}`,
    ...command.map((line) => `command  ${line}`),
    ...servers,
    ...hostLines(host),
  ];
}

function hostLines(host: Report['host']): string[] {
  const cpu = host['cpu'] as { model?: unknown; cores?: unknown } | undefined;
  const os = host['os'] as { name?: unknown; release?: unknown; kernel?: unknown } | undefined;
  if (cpu === undefined || os === undefined) return [];
  return [
    `host     ${printable(`${String(cpu.model)}, ${String(cpu.cores)} cores, ${String(os.name)} ${String(os.release)}, kernel ${String(os.kernel)}`)}`,
  ];
}

function spanTable(spans: readonly ReportSpan[], functions: ReadonlyMap<number, FunctionTable>): string[] {
  if (spans.length === 0) return ['no stage was seen'];
  const rows = spans.slice(0, MOST_ROWS).map((span) => {
    const cpuMs = factOf(span, 'threads', 'cpuMs');
    const perSecond = factOf(span, 'server-metrics', 'commandsPerSecond');
    const cpuUs = factOf(span, 'server-metrics', 'cpuUsPerCommand');
    const top = functions.get(span.id);
    const [heaviest] = top ? topFunctions(top, 'self', 1) : [];
    return [
      `${span.id} ${printable(span.stage, 50)}`,
      duration(span.markerDurationMs ?? span.durationMs),
      span.state === 'finished' ? (span.late ? 'late' : '') : span.state,
      capturedText(span),
      cpuMs === undefined || span.durationMs <= 0 ? '' : `${((100 * cpuMs) / span.durationMs).toFixed(0)} %`,
      perSecond === undefined ? '' : Math.round(perSecond).toLocaleString('en'),
      cpuUs === undefined ? '' : cpuUs.toFixed(2),
      heaviest && top ? `${percent(heaviest.self / top.total)} ${printable(heaviest.name, 40)}` : '',
    ];
  });
  const head = ['stage', 'took', 'state', 'captured', 'CPU', 'commands/s', 'CPU µs/cmd', 'heaviest function'];
  return [...withoutEmpty(head, rows), ...leftOut(spans.length)];
}

/** The least that a hook captured of it. */
function capturedText(span: ReportSpan): string {
  if (!span.watched) return 'not watched';
  const ratios = span.targets.flatMap(({ hooks }) =>
    hooks.map(({ coverage }) => (coverage.state === 'measured' ? coverage.ratio : undefined)),
  );
  if (ratios.length === 0) return '';
  if (ratios.includes(undefined)) return span.late ? 'unknown' : 'incomplete';
  return percent(Math.min(...(ratios as number[])));
}

function functionLines(
  { spans }: Report,
  functions: ReadonlyMap<number, FunctionTable>,
  count: number,
): string[] {
  const watched = spans.filter((span) => functions.has(span.id)).slice(0, MOST_ROWS);
  return watched.flatMap((span) => {
    const found = functions.get(span.id)!;
    const rows = topFunctions(found, 'self', count).map(({ name, self, total }) => [
      `  ${printable(name, 80)}`,
      percent(self / found.total),
      percent(total / found.total),
    ]);
    return table([`${span.id} ${printable(span.stage, 60)}`, 'self', 'total'], rows).split('\n');
  });
}

function seriesLines({ series }: Report, width: number): string[] {
  return lines.flatMap(({ name, title, max, rest }) =>
    series.flatMap(({ timesMs, values }) => {
      const found = values[name];
      if (found === undefined) return [];
      const shown = rest && max !== undefined ? found.map((v) => (v === null ? null : max - v)) : found;
      const known = shown.filter((value) => value !== null);
      if (known.length < 2) return [];
      const [low, high] = known.reduce(
        ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
        [Infinity, -Infinity] as const,
      );
      const columns = Math.max(10, Math.min(60, width - 50, known.length));
      const bars = sparkline(timesMs, shown, columns, { min: 0, max: max ?? high });
      return [`${title.padEnd(19)}${bars}  ${amount(low, name)} to ${amount(high, name)}`];
    }),
  );
}

function warningLines({ warnings }: Report): string[] {
  return [
    ...warnings
      .slice(0, MOST_ROWS)
      .map(({ code, message, span }) =>
        printable(`${code}${span === undefined ? '' : ` (stage ${span})`}: ${message}`, 400),
      ),
    ...leftOut(warnings.length),
  ];
}

/** A table without the columns that have nothing in any row. */
function withoutEmpty(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const kept = head.map((_, i) => i === 0 || rows.some((row) => row[i] !== ''));
  const pick = (row: readonly string[]): string[] => row.filter((_, i) => kept[i]);
  return table(pick(head), rows.map(pick)).split('\n');
}

function leftOut(count: number): string[] {
  return count > MOST_ROWS ? [`and ${count - MOST_ROWS} more: stagewatch export --to csv has all`] : [];
}

function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(1, width - 1))}…` : line;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function amount(value: number, name: string): string {
  if (name.endsWith('Percent')) return `${value.toFixed(0)} %`;
  if (name.endsWith('Bytes')) return `${(value / 1024 / 1024).toFixed(1)} MiB`;
  return Math.round(value).toLocaleString('en');
}
