import type { SeriesGroup } from './series.ts';

/** All that a session folder tells, ready to be shown; made from the folder alone. Its texts come from outside. */
export interface Report {
  readonly session: SessionHead;
  /** What a search or another experiment is to find out; null where something was only followed. */
  readonly asked: ReportAsked | null;
  /** What a search or another experiment came to, as its `--json` has it; null where something was only followed. */
  readonly answer: Readonly<Record<string, unknown>> | null;
  readonly warnings: readonly ReportWarning[];
  /** What became of each hook at each target, latest word. */
  readonly hooks: readonly ReportHook[];
  readonly spans: readonly ReportSpan[];
  readonly trials: readonly ReportTrial[];
  readonly targets: readonly ReportTarget[];
  /** Samples of host, process and server over the whole session. */
  readonly series: readonly SeriesGroup[];
  /** Of the host: as in session.json; empty when the session was cut short before it was taken. */
  readonly host: Readonly<Record<string, unknown>>;
}

export interface SessionHead {
  readonly folder: string;
  readonly label: string;
  /** `cut-short`: it neither ended nor is it still written. */
  readonly state: 'running' | 'complete' | 'not-collected' | 'cut-short';
  /** ISO 8601. */
  readonly startedAt: string;
  /** Where the axis of all times in ms begins: CLOCK_MONOTONIC, ns. */
  readonly zeroNs: number;
  /** From the first line of the journal to the last, ms. */
  readonly lastedMs: number;
  readonly command: readonly string[];
  /** What `run` started. */
  readonly benchmark: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** Lines of the journal that could not be read. */
  readonly badLines: number;
}

export interface ReportAsked {
  /** `max-qps-recall`, `grid-search`, ... */
  readonly command: string;
  /** As session.json has it: `constraints`, `parameters`, ... */
  readonly question: Readonly<Record<string, unknown>>;
}

export interface ReportWarning {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly message: string;
  readonly span?: number;
  readonly hook?: string;
  readonly target?: string;
}

export interface ReportHook {
  readonly hook: string;
  /** Absent for what is not there for any. */
  readonly target?: string;
  readonly state: 'armed' | 'capturing' | 'finished' | 'failed' | 'unavailable';
  /** Spans that it captured, or is capturing. */
  readonly spans: number;
  /** From the marker to the acknowledged capture, ms: of the last span, and of the slowest. */
  readonly lastDelayMs?: number;
  readonly maxDelayMs?: number;
}

export interface ReportTarget {
  readonly target: string;
  readonly program: string;
  readonly pid: number;
  readonly port?: number;
  readonly commandLine: string;
  readonly version?: string;
  readonly buildId?: string;
}

export interface ReportSpan {
  readonly id: number;
  /** `name[:tag]`, as it came. */
  readonly stage: string;
  readonly source: string;
  readonly watched: boolean;
  readonly state: 'finished' | 'unfinished' | 'open';
  /** From the session's zero, ms. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly markerDurationMs?: number;
  /** The markers came late: what was captured is not the stage. */
  readonly late: boolean;
  /** Relative to the session folder; absent while it is not collected. */
  readonly folder?: string;
  readonly targets: readonly SpanTarget[];
  /** The trial that it was. */
  readonly trial?: number;
}

export interface SpanTarget {
  readonly target: string;
  readonly hooks: readonly SpanHook[];
}

export interface SpanHook {
  readonly hook: string;
  readonly coverage:
    | { readonly state: 'measured'; readonly ratio: number }
    | { readonly state: 'unknown' | 'none'; readonly reason: string };
  readonly startDelayMs?: number;
  readonly stopDelayMs?: number;
  /** Paths relative to the session folder. */
  readonly artifacts: readonly { readonly path: string; readonly bytes: number }[];
  /** What the hook has to say of the span: `samples`, `cpuUsPerCommand`, ... */
  readonly facts: Readonly<Record<string, unknown>>;
}

export type ReportTrial = {
  readonly number: number;
  readonly purpose: string;
  readonly stage: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly span?: number;
} & (
  | {
      readonly state: 'measured';
      readonly tookMs: number;
      readonly result: Readonly<Record<string, unknown>>;
    }
  | { readonly state: 'failed'; readonly tookMs: number; readonly code: string; readonly message: string }
  /** The session ended in it. */
  | { readonly state: 'open' }
);

/** A figure that a hook noted of a span, from the first target that has it. */
export function factOf(span: ReportSpan, hook: string, fact: string): number | undefined {
  for (const { hooks } of span.targets)
    for (const found of hooks)
      if (found.hook === hook) {
        const value = found.facts[fact];
        if (typeof value === 'number' && Number.isFinite(value)) return value;
      }
  return undefined;
}
