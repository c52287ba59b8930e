import { StagewatchError } from '../error.ts';

/** A benchmark could not be run, or what it said means nothing: exit code 4. Codes are in docs/library.md. */
export class BenchmarkError extends StagewatchError {
  override readonly name: string = 'BenchmarkError';
  /** The last lines that the benchmark printed, oldest first; secrets removed. */
  readonly lastLines: readonly string[];

  constructor(
    code: string,
    message: string,
    options: { readonly cause?: unknown; readonly lastLines?: readonly string[] } = {},
  ) {
    super(code, message, options);
    this.lastLines = options.lastLines ?? [];
  }
}

/** The benchmark program that was asked for is not there: exit code 5. */
export class BinaryNotFoundError extends BenchmarkError {
  override readonly name = 'BinaryNotFoundError';
}

/** The benchmark ended, but its output is not a result that we can read. */
export class ParseError extends BenchmarkError {
  override readonly name = 'ParseError';
}
