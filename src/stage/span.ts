import type { MarkerAttributes } from './marker.ts';
import type { Stage } from './stage.ts';

/** Counts from 1 within a session, in order of start. */
export type SpanId = number & { readonly __brand?: 'SpanId' };

/** One run of a stage. */
export interface Span {
  readonly id: SpanId;
  readonly stage: Stage;
  /** The source that it was read from. */
  readonly source: string;
  /** Hooks run for it, and it has a folder. */
  readonly watched: boolean;
  /** It stood in the file before we came: recorded only. */
  readonly history: boolean;
  /** Arrival of the start marker: CLOCK_MONOTONIC, ns. */
  readonly startNs: bigint;
  /** Wall clock at arrival, ms since 1970. */
  readonly startedAt: number;
  readonly attributes: MarkerAttributes;
}

/**
 * Whether arrival times can be trusted: `late` when the marker's own duration disagrees with them, or when start
 * and end came in one read, since then the benchmark's output was buffered and nothing was captured when it happened.
 */
export type SpanTiming =
  | { readonly state: 'trusted' }
  | { readonly state: 'late'; readonly reason: 'one-read' | 'duration'; readonly offByMs?: number };

export interface EndedSpan extends Span {
  /** `unfinished`: its source ended, or it was open longer than --max-span, before an end marker came. */
  readonly state: 'finished' | 'unfinished';
  /** Arrival of the end marker, or the time of giving up: CLOCK_MONOTONIC, ns. */
  readonly endNs: bigint;
  /** Between the arrivals, ms. */
  readonly durationMs: number;
  /** As the end marker says, ms. */
  readonly markerDurationMs?: number;
  readonly timing: SpanTiming;
}
