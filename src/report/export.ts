import type { CsvTable } from './csv-tables.ts';
import { chooseSpans, type ExportSource } from './export-source.ts';
import { readReport } from './read-report.ts';

/** What other tools read, by the name of the tool or the format; loaded when it is asked for. */
const exporters = {
  speedscope: async (source: ExportSource) => (await import('./speedscope.ts')).speedscope(source),
  pprof: async (source: ExportSource) => (await import('./pprof.ts')).pprof(source),
  firefox: async (source: ExportSource) => (await import('./firefox.ts')).firefox(source),
  trace: async (source: ExportSource) => (await import('./chrome-trace.ts')).chromeTrace(source),
  openmetrics: async (source: ExportSource) => (await import('./openmetrics.ts')).openMetrics(source),
  csv: async (source: ExportSource, table: CsvTable) => (await import('./csv-tables.ts')).csv(source, table),
  markdown: async (source: ExportSource) => (await import('./markdown.ts')).markdown(source),
  junit: async (source: ExportSource) => (await import('./junit.ts')).junit(source),
} as const;

export type ExportFormat = keyof typeof exporters;
export const exportFormats = Object.keys(exporters) as ExportFormat[];

/** How a file of each is usually called. */
export const exportSuffixes: Readonly<Record<ExportFormat, string>> = {
  speedscope: 'speedscope.json',
  pprof: 'pb.gz',
  firefox: 'firefox.json',
  trace: 'trace.json',
  openmetrics: 'prom',
  csv: 'csv',
  markdown: 'md',
  junit: 'xml',
};

export interface ExportOptions {
  readonly to: ExportFormat;
  /** Number of a span, or a stage; all spans without. */
  readonly span?: string | undefined;
  /** Of CSV; default `spans`. */
  readonly table?: CsvTable | undefined;
}

/**
 * A session in the format of another tool; of one that crashed, is old or came from elsewhere too.
 * @throws {UsageError} not-a-session; newer-session; unknown-span.
 */
export async function exportSession(
  folder: string,
  { to, span, table = 'spans' }: ExportOptions,
): Promise<Iterable<string | Uint8Array>> {
  const needsSeries = to === 'trace' || to === 'openmetrics' || (to === 'csv' && table === 'metrics');
  const report = await readReport(folder, () => needsSeries);
  return exporters[to]({ report, spans: chooseSpans(report, span) }, table);
}
