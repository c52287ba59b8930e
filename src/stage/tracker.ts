import type { Marker, MarkerBatch } from './marker.ts';
import type { EndedSpan, Span, SpanTiming } from './span.ts';
import { stageLabel, type Stage } from './stage.ts';

/** --max-span of one hour, ms. */
export const DEFAULT_MAX_SPAN_MS = 3_600_000;

/** What markers mean. Told in the order in which it happened. */
export type SpanEvent =
  | { readonly state: 'started'; readonly span: Span }
  | { readonly state: 'ended'; readonly span: EndedSpan }
  /** An end marker without a start: logs lie, and nothing stops for it. */
  | {
      readonly state: 'orphan-end';
      readonly source: string;
      readonly stage: Stage;
      /** CLOCK_MONOTONIC, ns. */
      readonly atNs: bigint;
      readonly history: boolean;
      /** As the marker says, ms. */
      readonly durationMs?: number;
    };

export interface TrackerOptions {
  /** Whether hooks run for that stage. Never asked for history. */
  readonly isWatched: (stage: Stage) => boolean;
  /** A span open for longer is given up as unfinished, ms. */
  readonly maxSpanMs?: number;
  /** Id of the first span; 1 by default. */
  readonly firstId?: number;
}

interface OpenSpan {
  readonly span: Span;
  /** The read that brought its start. */
  readonly batch: MarkerBatch;
}

/** Follows open spans: markers in, span events out. Nested and overlapping spans are legal, of one label too. */
export class SpanTracker {
  readonly #isWatched: (stage: Stage) => boolean;
  readonly #maxSpanNs: bigint;
  #nextId: number;
  /** Source, then label, then its open spans, the latest last. Maps: a label may be `__proto__`. */
  readonly #open = new Map<string, Map<string, OpenSpan[]>>();
  /** All open spans in order of start, so that the oldest is at hand. */
  readonly #byAge = new Set<OpenSpan>();

  constructor(options: TrackerOptions) {
    this.#isWatched = options.isWatched;
    this.#maxSpanNs = msToNs(options.maxSpanMs ?? DEFAULT_MAX_SPAN_MS);
    this.#nextId = options.firstId ?? 1;
  }

  /**
   * @param wallMs wall clock when the batch arrived, ms since 1970.
   * @throws never.
   */
  accept(source: string, batch: MarkerBatch, wallMs: number): SpanEvent[] {
    return batch.markers.map((marker) =>
      marker.kind === 'start' ? this.#start(source, marker, batch, wallMs) : this.#end(source, marker, batch),
    );
  }

  /** Gives up what the source left open, in order of start. Call it when the source ends. */
  finish(source: string, atNs: bigint): SpanEvent[] {
    const left = [...(this.#open.get(source)?.values() ?? [])].flat();
    left.sort((a, b) => a.span.id - b.span.id);
    return left.map((open) => this.#giveUp(open, atNs));
  }

  /** Gives up what has been open for longer than the longest span. */
  expire(nowNs: bigint): SpanEvent[] {
    const events: SpanEvent[] = [];
    for (const open of this.#byAge) {
      if (open.span.startNs + this.#maxSpanNs > nowNs) break;
      events.push(this.#giveUp(open, nowNs));
    }
    return events;
  }

  /** When `expire` has something to do next: CLOCK_MONOTONIC, ns. Undefined while nothing is open. */
  nextExpiryNs(): bigint | undefined {
    for (const { span } of this.#byAge) return span.startNs + this.#maxSpanNs;
    return undefined;
  }

  #start(source: string, { stage, attributes }: Marker, batch: MarkerBatch, startedAt: number): SpanEvent {
    const { atNs: startNs, history } = batch;
    const watched = !history && this.#isWatched(stage);
    const span: Span = {
      id: this.#nextId++,
      stage,
      source,
      watched,
      history,
      startNs,
      startedAt,
      attributes,
    };
    const open = { span, batch };
    this.#byAge.add(open);
    const ofSource = getOrAdd(this.#open, source, () => new Map<string, OpenSpan[]>());
    getOrAdd(ofSource, stageLabel(stage), () => []).push(open);
    return { state: 'started', span };
  }

  #end(source: string, marker: Marker & { kind: 'end' }, batch: MarkerBatch): SpanEvent {
    const { stage, durationMs: markerMs } = marker;
    const { atNs, history } = batch;
    const open = this.#open.get(source)?.get(stageLabel(stage))?.at(-1);
    if (!open) {
      const durationMs = markerMs !== undefined && { durationMs: markerMs };
      return { state: 'orphan-end', source, stage, atNs, history, ...durationMs };
    }
    this.#forget(open);
    const arrivalMs = nsToMs(atNs - open.span.startNs);
    const ended: EndedSpan = {
      ...open.span,
      attributes: [...open.span.attributes, ...marker.attributes],
      state: 'finished',
      endNs: atNs,
      // What stood in the file arrived when we read it: only the marker knows how long it took.
      durationMs: open.span.history ? (markerMs ?? arrivalMs) : arrivalMs,
      ...(markerMs !== undefined && { markerDurationMs: markerMs }),
      timing: timingOf(open, batch, arrivalMs, markerMs),
    };
    return { state: 'ended', span: ended };
  }

  #giveUp(open: OpenSpan, endNs: bigint): SpanEvent {
    this.#forget(open);
    const durationMs = nsToMs(endNs - open.span.startNs);
    const timing: SpanTiming = { state: 'trusted' };
    return { state: 'ended', span: { ...open.span, state: 'unfinished', endNs, durationMs, timing } };
  }

  #forget(open: OpenSpan): void {
    const { source, stage } = open.span;
    this.#byAge.delete(open);
    const ofSource = this.#open.get(source);
    const label = stageLabel(stage);
    const stack = ofSource?.get(label);
    if (!ofSource || !stack) return;
    // An end marker closes the latest, expiry the oldest: either end is near.
    if (stack.at(-1) === open) stack.pop();
    else stack.splice(stack.indexOf(open), 1);
    if (stack.length === 0) ofSource.delete(label);
    if (ofSource.size === 0) this.#open.delete(source);
  }
}

/** Off by more than this, and the benchmark's output must have been buffered, ms. */
function toleranceMs(markerMs: number): number {
  return Math.max(50, 0.05 * markerMs);
}

function timingOf(
  open: OpenSpan,
  end: MarkerBatch,
  arrivalMs: number,
  markerMs: number | undefined,
): SpanTiming {
  if (open.span.history) return { state: 'trusted' };
  const offByMs = markerMs === undefined ? undefined : Math.abs(markerMs - arrivalMs);
  if (open.batch === end)
    return { state: 'late', reason: 'one-read', ...(offByMs !== undefined && { offByMs }) };
  if (markerMs !== undefined && offByMs !== undefined && offByMs > toleranceMs(markerMs))
    return { state: 'late', reason: 'duration', offByMs };
  return { state: 'trusted' };
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

function msToNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}

function nsToMs(ns: bigint): number {
  return Number(ns) / 1e6;
}
