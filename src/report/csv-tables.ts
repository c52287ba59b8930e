import { stringify } from 'csv-stringify/sync';
import type { ExportSource } from './export-source.ts';
import { factOf } from './report.ts';

export const csvTables = ['spans', 'results', 'metrics'] as const;
export type CsvTable = (typeof csvTables)[number];

type Row = Readonly<Record<string, string | number | boolean | null>>;

const spanColumns = [
  'span',
  'stage',
  'source',
  'state',
  'watched',
  'late',
  'trial',
  'startMs',
  'durationMs',
  'samples',
  'cpuMs',
  'offCpuMs',
  'coverage',
];
const metricColumns = ['timeMs', 'target', 'hook', 'metric', 'value', 'spans'];
const rowsAtOnce = 5_000;

/** One of the tables of a session: spans, one row each; results of trials; metrics, one row a figure. */
export function* csv(source: ExportSource, table: CsvTable): Iterable<string> {
  if (table === 'spans') yield toCsv(spanRows(source), spanColumns, true);
  else if (table === 'results') {
    const rows = resultRows(source);
    yield toCsv(
      rows,
      [...new Set(['trial', 'stage', 'purpose', 'state', ...rows.flatMap(Object.keys)])],
      true,
    );
  } else {
    yield toCsv([], metricColumns, true);
    let rows: Row[] = [];
    for (const row of metricRows(source)) {
      rows.push(row);
      if (rows.length < rowsAtOnce) continue;
      yield toCsv(rows, metricColumns, false);
      rows = [];
    }
    yield toCsv(rows, metricColumns, false);
  }
}

function toCsv(rows: readonly Row[], columns: readonly string[], header: boolean): string {
  // A stage named =cmd() must not become a formula where somebody opens the table in a spreadsheet.
  return stringify([...rows], {
    header,
    columns: [...columns],
    escape_formulas: true,
    cast: { boolean: String },
  });
}

function spanRows({ spans }: ExportSource): Row[] {
  return spans.map((span) => {
    const { id, stage, source, state, watched, late, trial, startMs, durationMs } = span;
    const coverages = span.targets.flatMap(({ hooks }) =>
      hooks.flatMap(({ coverage }) => (coverage.state === 'measured' ? [coverage.ratio] : [])),
    );
    return {
      span: id,
      stage,
      source,
      state,
      watched,
      late,
      trial: trial ?? null,
      startMs,
      durationMs,
      samples: factOf(span, 'perf-record', 'samples') ?? null,
      cpuMs: factOf(span, 'perf-record', 'cpuMs') ?? null,
      offCpuMs: factOf(span, 'off-cpu', 'offCpuMs') ?? null,
      coverage: coverages.length === 0 ? null : Math.min(...coverages),
    };
  });
}

function resultRows({ report, spans }: ExportSource): Row[] {
  const wanted = new Set(spans.map(({ trial }) => trial));
  return report.trials
    .filter(({ number }) => spans.length === report.spans.length || wanted.has(number))
    .map((trial) => ({
      trial: trial.number,
      stage: trial.stage,
      purpose: trial.purpose,
      state: trial.state,
      ...flat(trial.config, 'config.'),
      ...(trial.state === 'measured' ? flat(trial.result) : {}),
      ...(trial.state === 'failed' ? { error: trial.message } : {}),
    }));
}

/** Figures and words of an object, by path. */
function flat(value: object, path = ''): Record<string, string | number | boolean | null> {
  const cells: Record<string, string | number | boolean | null> = {};
  for (const [key, inner] of Object.entries(value) as [string, unknown][])
    if (typeof inner === 'object' && inner !== null)
      Object.assign(
        cells,
        Array.isArray(inner) ? { [path + key]: JSON.stringify(inner) } : flat(inner, `${path}${key}.`),
      );
    else if (inner !== undefined) cells[path + key] = inner as string | number | boolean | null;
  return cells;
}

function* metricRows({ report, spans }: ExportSource): Iterable<Row> {
  const isAll = spans.length === report.spans.length;
  for (const { hook, target, timesMs, values } of report.series)
    for (const [index, timeMs] of timesMs.entries()) {
      const inside = spans.filter(
        ({ startMs, durationMs }) => timeMs >= startMs && timeMs <= startMs + durationMs,
      );
      if (!isAll && inside.length === 0) continue;
      const ids = inside.map(({ id }) => id).join(' ');
      for (const [metric, points] of Object.entries(values)) {
        const value = points[index];
        if (typeof value === 'number') yield { timeMs, target, hook, metric, value, spans: ids };
      }
    }
}
