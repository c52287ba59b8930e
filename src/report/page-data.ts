import type { Report, ReportTrial, SessionHead, SpanHook } from './report.ts';
import type { SeriesGroup } from './series.ts';

/** What report.html carries, as JSON: the browser's code reads the same types. */
export interface PageData {
  readonly version: 1;
  readonly sessions: readonly PageSession[];
}

export interface PageSession {
  readonly head: SessionHead;
  readonly asked: Report['asked'];
  readonly answer: Report['answer'];
  readonly warnings: Report['warnings'];
  readonly hooks: Report['hooks'];
  readonly targets: Report['targets'];
  readonly host: Report['host'];
  readonly series: readonly SeriesGroup[];
  readonly trials: readonly ReportTrial[];
  readonly spans: readonly PageSpan[];
}

export interface PageSpan {
  readonly id: number;
  readonly stage: string;
  readonly watched: boolean;
  readonly state: 'finished' | 'unfinished' | 'open';
  readonly late: boolean;
  /** From the session's zero, ms. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly trial?: number;
  /** Relative to the session folder. */
  readonly folder?: string;
  /** The server's CPU over the span, in cores. */
  readonly cpus?: number;
  readonly commandsPerSecond?: number;
  readonly cpuUsPerCommand?: number;
  readonly hooks: readonly PageHook[];
  readonly detail: SpanDetailPlace;
}

export interface PageHook extends Pick<SpanHook, 'hook' | 'coverage' | 'startDelayMs' | 'stopDelayMs'> {
  readonly target: string;
}

export type SpanDetailPlace =
  /** Here: a SpanDetail as JSON, deflated, base64. */
  | { readonly state: 'here'; readonly packed: string }
  /** The page would be too large: the files of the session folder have it. */
  | { readonly state: 'folder'; readonly files: readonly string[] }
  /** The server of the live page has it: /detail/ID, a SpanDetail as JSON. */
  | { readonly state: 'server' }
  | { readonly state: 'none' };

/** All that hooks left for one span. */
export interface SpanDetail {
  readonly profiles: readonly PageProfile[];
  /** JSON artifacts by target and file name: `server.json`, `perf-stat.json`. */
  readonly files: readonly { readonly target: string; readonly name: string; readonly json: unknown }[];
  /** What the hooks noted in span.json. */
  readonly facts: readonly { readonly target: string; readonly hook: string; readonly facts: object }[];
}

/** A tree of stacks, as FlameTree in src/perf has it. */
export interface PageProfile {
  readonly target: string;
  readonly kind: 'on-CPU' | 'off-CPU';
  readonly unit: 'samples' | 'µs';
  readonly names: readonly string[];
  readonly frames: readonly number[];
  readonly total: number;
}
