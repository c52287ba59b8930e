import type { MarkerBatch } from '../stage/marker.ts';
import type { SourceEnd, SourceNotice } from './contract.ts';

/** What every source worker is given. */
export interface WorkerOptions {
  /** Bytes go on to standard output. */
  readonly passThrough: boolean;
  /** No new bytes for so long end the source, ms. */
  readonly idleTimeoutMs?: number;
}

export interface StdinWorkerOptions extends WorkerOptions {
  readonly source: 'stdin';
}

export interface ChildWorkerOptions extends WorkerOptions {
  readonly source: 'child';
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface WorkerStart {
  readonly options: StdinWorkerOptions | ChildWorkerOptions;
  /** One Int32: the weight of the batches that the main thread has not taken yet. */
  readonly inFlight: SharedArrayBuffer;
  /** Wait for `go` before anything is read. */
  readonly hold: boolean;
}

/** Errors lose their class on the way between threads. */
export interface WireError {
  readonly kind: 'usage' | 'missing' | 'other';
  readonly code: string;
  readonly message: string;
}

export type WireEnd =
  Exclude<SourceEnd, { state: 'failed' }> | { readonly state: 'failed'; readonly error: WireError };

export type FromWorker =
  | { readonly type: 'started'; readonly pid?: number }
  | { readonly type: 'batch'; readonly batch: MarkerBatch }
  | { readonly type: 'notice'; readonly notice: SourceNotice }
  | { readonly type: 'ended'; readonly end: WireEnd };

export type ToWorker =
  | { readonly type: 'go' }
  | { readonly type: 'stop' }
  | { readonly type: 'kill'; readonly signal: NodeJS.Signals };

/** A batch weighs as many as its markers, and at least this: so that neither many nor large ones pile up. */
const LEAST_WEIGHT = 32;

/** What the worker may be ahead of the main thread: 512 reads, or 16,384 markers. */
export const MOST_IN_FLIGHT = 512 * LEAST_WEIGHT;

export function weightOf(batch: MarkerBatch): number {
  return Math.max(LEAST_WEIGHT, batch.markers.length);
}
