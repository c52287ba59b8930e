import type { ChildEvents } from '../restore/children.ts';
import type { BenchmarkConfig } from './config.ts';
import type { BenchmarkResult } from './result.ts';

/** What a run tells while it runs. */
export interface RunObserver {
  /** The argument list as it is started, secrets removed; not for drivers that start no program. */
  started?(argv: readonly string[]): void;
  /** Told of its processes, for the journal of whoever must find them after a crash. */
  readonly children?: ChildEvents;
  /** Bytes of the program's output, as they come. */
  output?(chunk: Uint8Array, from: 'stdout' | 'stderr'): void;
  /** Requests answered so far, where the program says. */
  progress?(done: { readonly requests: number; readonly elapsedMs: number }): void;
  /**
   * The load begins when this resolves, and not before: all that the run looks at or sets up before it is done. Called
   * once, and not at all by a run that fails before. When it rejects, so does the run.
   */
  begin?(): Promise<void>;
  /**
   * The load has ended, however: nothing is read, asked or judged until this resolves. Called once after `begin`, which a
   * run that is ended early does not wait for.
   */
  end?(): void | Promise<void>;
}

/** One benchmark program: how it is called and its output read, and what its result is worth. */
export interface Driver {
  /** `valkey-bench-rs`, `valkey-benchmark`, `builtin`. */
  readonly name: string;
  /** Its program; absent for the built-in one. */
  readonly binary?: string;
  /** `valkey-bench-rs 0.1.0`. */
  readonly version: string;
  /** Can it do that operation, and recall with it? */
  supports(operation: string): boolean;
  /**
   * What a user would type for this run: for `--dry-run` and for the command that reproduces an answer. Secrets are
   * not in it.
   */
  commandLine(config: BenchmarkConfig): readonly string[];
  /**
   * Runs it once, and judges what it says: a result that this returns means something. The observer's `begin` and `end`
   * enclose the load: they make the stage of the run, which has none without them.
   * @throws {UsageError} for a configuration that this program cannot run.
   * @throws {BenchmarkError} for a run that failed, or whose figures mean nothing; `aborted` when the signal came.
   * @throws {ParseError} for output that is no result.
   */
  run(config: BenchmarkConfig, signal: AbortSignal, observer?: RunObserver): Promise<BenchmarkResult>;
}
