import { stringify } from 'csv-stringify/sync';
import type { BenchmarkResult } from '../bench/result.ts';
import { resultColumns } from './result-columns.ts';

/** A head and one row for each result; what was not measured is empty. Numbers are in full precision, lines end in LF. */
export function formatResultsCsv(results: readonly BenchmarkResult[]): string {
  const head = resultColumns.map(([name]) => name);
  return stringify([
    head,
    ...results.map((result) => resultColumns.map(([, of]) => of(result.config, result))),
  ]);
}
