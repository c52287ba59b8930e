import { stageLabel, type Stage } from './stage.ts';
import type { EndedSpan } from './span.ts';
import type { SpanEvent } from './tracker.ts';

/** What all spans of one stage took. */
export interface StageRow {
  readonly stage: Stage;
  /** All that started, with the unfinished. */
  readonly spans: number;
  readonly unfinished: number;
  /** Of the spans whose duration is known; the others stay out. Undefined where none is. */
  readonly durations?: StageDurations;
}

export interface StageDurations {
  /** How many are known. */
  readonly count: number;
  readonly totalMs: number;
  readonly minMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

interface Sums {
  readonly stage: Stage;
  spans: number;
  unfinished: number;
  known: number;
  totalMs: number;
  minMs: number;
  maxMs: number;
}

/** Sums spans up as they end: memory grows with the stages, not with the log. */
export class StageTable {
  readonly #sums = new Map<string, Sums>();
  #orphanEnds = 0;

  /** End markers that no start marker came before. */
  get orphanEnds(): number {
    return this.#orphanEnds;
  }

  add(event: SpanEvent): void {
    if (event.state === 'orphan-end') this.#orphanEnds++;
    else if (event.state === 'started') this.#of(event.span.stage).spans++;
    else this.#addEnded(event.span);
  }

  /** One row per stage, in order of first appearance. */
  rows(): StageRow[] {
    return [...this.#sums.values()].map(({ stage, spans, unfinished, known, totalMs, minMs, maxMs }) => ({
      stage,
      spans,
      unfinished,
      ...(known > 0 && { durations: { count: known, totalMs, minMs, meanMs: totalMs / known, maxMs } }),
    }));
  }

  #addEnded(span: EndedSpan): void {
    const sums = this.#of(span.stage);
    if (span.state === 'unfinished') sums.unfinished++;
    const durationMs = knownDurationMs(span);
    if (durationMs === undefined) return;
    sums.known++;
    sums.totalMs += durationMs;
    sums.minMs = Math.min(sums.minMs, durationMs);
    sums.maxMs = Math.max(sums.maxMs, durationMs);
  }

  #of(stage: Stage): Sums {
    const label = stageLabel(stage);
    let sums = this.#sums.get(label);
    if (!sums) {
      sums = { stage, spans: 0, unfinished: 0, known: 0, totalMs: 0, minMs: Infinity, maxMs: 0 };
      this.#sums.set(label, sums);
    }
    return sums;
  }
}

/** The marker's word first; arrivals say nothing about what was read from a finished log or came buffered, ms. */
export function knownDurationMs(span: EndedSpan): number | undefined {
  if (span.markerDurationMs !== undefined) return span.markerDurationMs;
  const arrivalsTell = span.state === 'finished' && !span.history && span.timing.state === 'trusted';
  return arrivalsTell ? span.durationMs : undefined;
}
