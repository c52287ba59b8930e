import type { SessionEvent } from '../session/events.ts';
import type { SourceEnd } from '../source/contract.ts';
import { stageLabel } from '../stage/stage.ts';
import type { EndedSpan, Span } from '../stage/span.ts';
import type { SpanEvent } from '../stage/tracker.ts';

/** What the tracker and the sources say, as events of the session. */

export function startEvent(span: Span): SessionEvent {
  return {
    type: 'span-start',
    span: span.id,
    stage: stageLabel(span.stage),
    source: span.source,
    watched: span.watched,
    ...(span.history ? { history: true } : {}),
    ...(span.attributes.length > 0 ? { attributes: span.attributes } : {}),
  };
}

export function endEvent(span: EndedSpan): SessionEvent {
  const { timing } = span;
  return {
    type: 'span-end',
    span: span.id,
    stage: stageLabel(span.stage),
    source: span.source,
    state: span.state,
    watched: span.watched,
    ...(span.history ? { history: true } : {}),
    startNs: Number(span.startNs),
    durationMs: span.durationMs,
    ...(span.markerDurationMs === undefined ? {} : { markerDurationMs: span.markerDurationMs }),
    ...(timing.state === 'late' ? { late: timing.reason } : {}),
    ...(timing.state === 'late' && timing.offByMs !== undefined ? { offByMs: timing.offByMs } : {}),
  };
}

export function orphanEvent(event: SpanEvent & { state: 'orphan-end' }): SessionEvent {
  return {
    type: 'orphan-end',
    source: event.source,
    stage: stageLabel(event.stage),
    ...(event.durationMs === undefined ? {} : { durationMs: event.durationMs }),
    ...(event.history ? { history: true } : {}),
  };
}

export function lateWarning(span: EndedSpan): SessionEvent {
  return {
    type: 'warning',
    code: 'late-markers',
    span: span.id,
    message:
      "the markers came late, so the benchmark's output is buffered and this span's coverage is unknown: " +
      'run it under "stdbuf -oL", with "python -u", or print the markers to stderr',
  };
}

export function sourceEndEvent(source: string, end: SourceEnd): SessionEvent {
  return {
    type: 'source',
    source,
    state: end.state,
    ...(end.state === 'exited' ? { exitCode: end.exitCode } : {}),
    ...(end.state === 'killed' ? { signal: end.signal } : {}),
    ...(end.state === 'failed' ? { message: end.error.message } : {}),
  };
}
