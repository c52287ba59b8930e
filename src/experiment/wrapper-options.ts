import type { BenchmarkConfig, BenchmarkSettings } from '../bench/config.ts';
import type { Driver } from '../bench/driver.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { SearchEvent } from '../search/contract.ts';
import type { MarkerSink } from './wrapper-stage.ts';

export type OutputSink = (chunk: Uint8Array, from: 'stdout' | 'stderr') => void;

export interface WrapperOptions {
  /** Path of the benchmark program; else `VALKEY_BENCHMARK_BIN`, `target/release`, `target/debug`, PATH, and the built-in one. */
  readonly binary?: string;
  /** A driver by its name (`valkey-bench-rs`, `valkey-benchmark`, `builtin`), or one of your own. */
  readonly driver?: string | Driver;
  /** Tells what is done and found, a line each: on standard error, or to the function given. */
  readonly verbose?: boolean | ((line: string) => void);
  /** Shows the benchmark's own output as it comes: where the benchmark wrote it, or to the function given. */
  readonly displayOutput?: boolean | OutputSink;
  /** Where stage markers go; standard error without. */
  readonly markers?: MarkerSink;
  /** Allows `serverConfig` and `config:...` parameters on a server that is not on loopback, or not empty. */
  readonly allowServerChanges?: boolean;
  /** Ends the run, and with it the search, that is under way. */
  readonly signal?: AbortSignal;
}

/** What all searches share. */
interface SearchSettings {
  readonly baseConfig: BenchmarkConfig | BenchmarkSettings;
  /** Told of everything as it happens: plans, trials, failures, warnings. */
  readonly onEvent?: (event: SearchEvent) => void;
}

export interface RangeSettings extends SearchSettings {
  /** What is turned: `numClients` (default), `efSearch`, `numThreads`, ...; `num_clients` is understood too. */
  readonly paramName?: string;
  /** The smallest value tried; default 1. */
  readonly minVal?: number;
  /** The largest value tried; default 200. */
  readonly maxVal?: number;
  /** Fresh runs of each finalist, of which the answer is the mean. */
  readonly repeats?: number;
  /** Runs in all. */
  readonly maxRuns?: number;
  /** Time that all runs together may take, ms. */
  readonly maxTimeMs?: number;
}

export interface BinarySearchSettings extends RangeSettings {
  /** The average recall that the answer must have, 0 to 1. */
  readonly targetRecall: number;
}

export interface ConstraintSettings extends RangeSettings {
  /** The average recall that the answer must have, 0 to 1; leave it out for operations without recall. */
  readonly minRecall?: number;
  /** The p99 latency that the answer may have, ms. */
  readonly maxLatencyP99?: number;
}

export interface GridSettings extends SearchSettings {
  /** Values by parameter: `{ numClients: [10, 20], ef_search: [50, 100] }`; every combination is run once. */
  readonly paramGrid: Readonly<Record<string, readonly (number | string)[]>>;
  /** Keeps the results for which it says true. */
  readonly filterFn?: (result: BenchmarkResult) => boolean;
}

/** Where all that a wrapper says goes. */
export interface WrapperSinks {
  readonly markers: MarkerSink;
  readonly tell: (line: string) => void;
  readonly output: OutputSink | undefined;
}

/** Standard streams are touched only where the options ask for it, and when the first line comes. */
export function toSinks({ markers, verbose = false, displayOutput = false }: WrapperOptions): WrapperSinks {
  const toStandardError = (line: string): void => void process.stderr.write(`${line}\n`);
  const toStandardStreams: OutputSink = (chunk, from) => void process[from].write(chunk);
  return {
    markers: markers ?? toStandardError,
    tell: typeof verbose === 'function' ? verbose : verbose ? toStandardError : () => {},
    output:
      typeof displayOutput === 'function' ? displayOutput : displayOutput ? toStandardStreams : undefined,
  };
}
