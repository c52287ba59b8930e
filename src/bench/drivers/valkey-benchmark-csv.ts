import { ParseError } from '../error.ts';
import { printedLast, type ProgramRun } from './program-run.ts';
import type { Reading } from './reading.ts';

/** One row of `--csv`. */
export type CsvTest = Pick<
  Reading,
  'name' | 'qps' | 'latencyAvg' | 'latencyP50' | 'latencyP95' | 'latencyP99' | 'latencyMax'
>;

const columns = {
  qps: 'rps',
  latencyAvg: 'avg_latency_ms',
  latencyP50: 'p50_latency_ms',
  latencyP95: 'p95_latency_ms',
  latencyP99: 'p99_latency_ms',
  latencyMax: 'max_latency_ms',
} as const;

/**
 * All tests of a run, in order. Columns go by the header. A test's name is a command as it was given, with commas and
 * with quotes that nobody doubled: the figures are taken from the end of the line.
 * @throws {ParseError} no-result, broken-result, old-format.
 */
export function readCsv(
  { stdout, lastLines }: Pick<ProgramRun, 'stdout' | 'lastLines'>,
  program: string,
): CsvTest[] {
  const fail = (code: string, message: string): never => {
    throw new ParseError(code, `${message} ${printedLast(lastLines)}`, { lastLines });
  };
  // Progress, where somebody asked for it, ends in carriage returns.
  const lines = stdout.split(/[\r\n]+/);
  const headAt = lines.findIndex((line) => line.startsWith('"test","rps"'));
  if (headAt < 0) return fail('no-result', `Expected the CSV of ${program}, found none in its output.`);
  const header = lines[headAt]!.slice(1, -1).split('","');
  const missing = Object.values(columns).filter((column) => !header.includes(column));
  if (missing.length > 0)
    return fail(
      'old-format',
      `Expected the columns ${missing.join(', ')} in the CSV of ${program}: it may be too old.`,
    );
  const row = new RegExp(`^"(.*)"((?:,"[^"]*"){${header.length - 1}})$`);
  return lines.slice(headAt + 1).flatMap((line) => {
    if (!line.startsWith('"')) return [];
    const [, name, figures = ''] = row.exec(line) ?? [];
    if (name === undefined)
      return fail(
        'broken-result',
        `Expected ${header.length} columns in the CSV of ${program}, got: ${line.slice(0, 200)}`,
      );
    const values = figures.slice(2, -1).split('","');
    const figure = (column: string): number => {
      const text = values[header.indexOf(column) - 1] ?? '';
      if (text === 'inf') return Infinity;
      return /^\d+(\.\d+)?$/.test(text)
        ? Number(text)
        : fail('broken-result', `Expected ${column} of "${name}" to be a number, got "${text}".`);
    };
    return [
      {
        name,
        qps: figure(columns.qps),
        latencyAvg: figure(columns.latencyAvg),
        latencyP50: figure(columns.latencyP50),
        latencyP95: figure(columns.latencyP95),
        latencyP99: figure(columns.latencyP99),
        latencyMax: figure(columns.latencyMax),
      },
    ];
  });
}
