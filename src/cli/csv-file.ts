import { appendFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import { messageOf, UsageError } from '../error.ts';
import { writeResult } from './output.ts';

/** In their order; null is an empty cell. */
export type CsvColumns<Point> = readonly (readonly [
  name: string,
  of: (point: Point) => string | number | null,
])[];

/** A row for each point as it is there, so that a crash loses none. */
export class CsvFile<Point> {
  readonly #what: string;
  readonly #path: string;
  readonly #columns: CsvColumns<Point>;
  #hasFailed = false;

  private constructor(what: string, path: string, columns: CsvColumns<Point>) {
    this.#what = what;
    this.#path = path;
    this.#columns = columns;
  }

  /** @throws {UsageError} output-file, when it cannot be written. */
  static create<Point>(what: string, path: string, columns: CsvColumns<Point>): CsvFile<Point> {
    try {
      writeFileSync(path, stringify([columns.map(([name]) => name)]), { mode: 0o600 });
    } catch (cause) {
      throw new UsageError(
        'output-file',
        `Expected ${what} to be a file that can be written, got "${path}": ${messageOf(cause)}`,
        { cause },
      );
    }
    return new CsvFile(what, path, columns);
  }

  /** A disk that is full now ends no measurement. */
  add(point: Point): void {
    try {
      appendFileSync(
        this.#path,
        stringify([this.#columns.map(([, of]) => of(point))], { escape_formulas: true }),
      );
    } catch (error) {
      if (!this.#hasFailed) writeResult(2, `stagewatch: ${this.#what}: ${messageOf(error)}\n`);
      this.#hasFailed = true;
    }
  }
}
