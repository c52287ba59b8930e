import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Marker, MarkerBatch } from '../../src/stage/marker.ts';
import type { EndedSpan } from '../../src/stage/span.ts';
import { parseStage, stageLabel } from '../../src/stage/stage.ts';
import { SpanTracker, type SpanEvent } from '../../src/stage/tracker.ts';
import { runs } from '../fuzz/runs.ts';

fc.configureGlobal({ numRuns: runs(100) });

const start = (label: string): Marker => ({ kind: 'start', stage: parseStage(label), attributes: [] });
const end = (label: string, durationMs?: number): Marker => ({
  kind: 'end',
  stage: parseStage(label),
  attributes: [],
  ...(durationMs !== undefined && { durationMs }),
});
const at = (ms: number, markers: Marker[], history = false): MarkerBatch => ({
  markers,
  atNs: BigInt(Math.round(ms * 1e6)),
  history,
});
const everything = () => new SpanTracker({ isWatched: () => true });

function told(events: readonly SpanEvent[]): string[] {
  return events.map((event) =>
    event.state === 'orphan-end'
      ? `orphan ${stageLabel(event.stage)}`
      : event.state === 'started'
        ? `start ${event.span.id} ${stageLabel(event.span.stage)}`
        : `${event.span.state} ${event.span.id} ${stageLabel(event.span.stage)}`,
  );
}

/** One start and one end, `ms` apart. */
function spanOf(ms: number, markerMs?: number): EndedSpan {
  const tracker = everything();
  tracker.accept('s', at(0, [start('a')]), 0);
  return onlyEnded(tracker.accept('s', at(ms, [end('a', markerMs)]), 0));
}

function onlyEnded(events: readonly SpanEvent[]): EndedSpan {
  const event = events.at(-1);
  if (event?.state !== 'ended') throw new Error('no span ended');
  return event.span;
}

describe('which span an end marker closes', () => {
  test('the latest open one of its label: nested and overlapping spans', () => {
    const markers = [start('a'), start('b'), start('a'), end('b'), end('a'), start('b'), end('a'), end('b')];
    const events = markers.flatMap((marker, i) => everythingAt(i, marker));
    expect(told(events)).toEqual([
      'start 1 a',
      'start 2 b',
      'start 3 a',
      'finished 2 b',
      'finished 3 a',
      'start 4 b',
      'finished 1 a',
      'finished 4 b',
    ]);
  });

  const shared = everything();
  const everythingAt = (ms: number, marker: Marker) => shared.accept('s', at(ms, [marker]), 0);

  test('one of its own source', () => {
    const tracker = everything();
    tracker.accept('x', at(0, [start('a')]), 0);
    expect(told(tracker.accept('y', at(1, [end('a', 5)]), 0))).toEqual(['orphan a']);
    expect(told(tracker.accept('x', at(1, [end('a')]), 0))).toEqual(['finished 1 a']);
  });

  test('one of its own tag; hostile labels are labels', () => {
    for (const label of ['__proto__', 'constructor', 'a:__proto__', 'a:', 'a']) {
      const tracker = everything();
      tracker.accept('s', at(0, [start('a:b'), start(label)]), 0);
      expect(told(tracker.accept('s', at(1, [end(label), end(label)]), 0))).toEqual([
        `finished 2 ${label}`,
        `orphan ${label}`,
      ]);
    }
  });
});

describe('what is left open', () => {
  test('is unfinished when its source ends, in order of start', () => {
    const tracker = everything();
    tracker.accept('s', at(0, [start('b'), start('a'), start('b')]), 0);
    tracker.accept('other', at(0, [start('c')]), 0);
    expect(told(tracker.finish('s', 9n))).toEqual(['unfinished 1 b', 'unfinished 2 a', 'unfinished 3 b']);
    expect(tracker.finish('s', 9n)).toEqual([]);
    expect(told(tracker.finish('other', 9n))).toEqual(['unfinished 4 c']);
  });

  test('is unfinished once it is older than the longest span', () => {
    const tracker = new SpanTracker({ isWatched: () => true, maxSpanMs: 100 });
    expect(tracker.nextExpiryNs()).toBeUndefined();
    tracker.accept('s', at(0, [start('a')]), 0);
    tracker.accept('s', at(10, [start('a'), start('b')]), 0);
    expect(tracker.nextExpiryNs()).toBe(100_000_000n);
    expect(tracker.expire(99_999_999n)).toEqual([]);
    expect(told(tracker.expire(100_000_000n))).toEqual(['unfinished 1 a']);
    expect(tracker.nextExpiryNs()).toBe(110_000_000n);
    expect(told(tracker.accept('s', at(105, [end('a'), end('a')]), 0))).toEqual(['finished 2 a', 'orphan a']);
    expect(told(tracker.expire(1_000_000_000n))).toEqual(['unfinished 3 b']);
  });
});

describe('whether arrival times are trusted', () => {
  test.each([
    [1000, 1000, 'trusted'],
    [1049, 1000, 'trusted'],
    [1051, 1000, 'late'],
    [949, 1000, 'late'],
    [10_499, 10_000, 'trusted'],
    [10_501, 10_000, 'late'],
    [5, 50, 'trusted'],
    [5, undefined, 'trusted'],
  ])('%d ms between arrivals, %d ms as the marker says: %s', (arrivalMs, markerMs, state) => {
    expect(spanOf(arrivalMs, markerMs).timing.state).toBe(state);
  });

  test('start and end in one read are late, whatever the marker says', () => {
    const events = everything().accept('s', at(3, [start('a'), end('a', 700), start('b'), end('b')]), 0);
    const timings = events.map((event) => event.state === 'ended' && event.span.timing);
    expect(timings[1]).toEqual({ state: 'late', reason: 'one-read', offByMs: 700 });
    expect(timings[3]).toEqual({ state: 'late', reason: 'one-read' });
  });
});

describe('history', () => {
  test('is recorded unwatched, with the duration of the marker', () => {
    const tracker = everything();
    const events = tracker.accept('s', at(0, [start('a'), end('a', 700)], true), 0);
    expect(onlyEnded(events)).toMatchObject({
      watched: false,
      history: true,
      durationMs: 700,
      timing: { state: 'trusted' },
    });
  });

  test('that goes on live stays history', () => {
    const tracker = everything();
    tracker.accept('s', at(0, [start('a')], true), 0);
    const span = onlyEnded(tracker.accept('s', at(5, [end('a', 9_000)]), 0));
    expect(span).toMatchObject({ history: true, durationMs: 9_000, timing: { state: 'trusted' } });
  });
});

test('a span carries what its markers said', () => {
  const tracker = new SpanTracker({ isWatched: (stage) => stage.name === 'a', firstId: 7 });
  const [first, second] = tracker.accept(
    's',
    at(2, [{ ...start('a:t'), attributes: [['k', '1']] } as Marker, start('b')]),
    1_700_000_000_000,
  );
  expect(first).toMatchObject({
    span: { id: 7, source: 's', stage: { name: 'a', tag: 't' }, watched: true, startNs: 2_000_000n },
  });
  expect(second).toMatchObject({ span: { id: 8, watched: false, startedAt: 1_700_000_000_000 } });
  const ended = onlyEnded(
    tracker.accept('s', at(12.5, [{ ...end('a:t', 10), attributes: [['q', '2']] } as Marker]), 0),
  );
  expect(ended).toMatchObject({ durationMs: 10.5, markerDurationMs: 10, endNs: 12_500_000n });
  expect(ended.attributes).toEqual([
    ['k', '1'],
    ['q', '2'],
  ]);
});

test('every start is ended exactly once, and ids are unique', () => {
  const label = fc.constantFrom('a', 'b', 'a:t', '__proto__');
  const step = fc.record({
    source: fc.constantFrom('s1', 's2'),
    markers: fc.array(
      fc.oneof(
        label.map(start),
        label.map((l) => end(l)),
      ),
      { maxLength: 5 },
    ),
    afterMs: fc.nat(40),
    history: fc.boolean(),
    afterwards: fc.constantFrom('nothing', 'expire', 'finish'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const tracker = new SpanTracker({ isWatched: () => true, maxSpanMs: 100 });
      const events: SpanEvent[] = [];
      let nowMs = 0;
      for (const { source, markers, afterMs, history, afterwards } of steps) {
        nowMs += afterMs;
        events.push(...tracker.accept(source, at(nowMs, markers, history), nowMs));
        if (afterwards === 'expire') events.push(...tracker.expire(BigInt(nowMs) * 1_000_000n));
        if (afterwards === 'finish') events.push(...tracker.finish(source, BigInt(nowMs) * 1_000_000n));
      }
      for (const source of ['s1', 's2']) events.push(...tracker.finish(source, BigInt(nowMs) * 1_000_000n));

      const starts = events.flatMap((event) => (event.state === 'started' ? [event.span.id] : []));
      const ends = events.flatMap((event) => (event.state === 'ended' ? [event.span.id] : []));
      const orphans = events.filter((event) => event.state === 'orphan-end').length;
      const all = steps.flatMap((step) => step.markers);
      expect(starts).toEqual(starts.map((_, i) => i + 1));
      expect([...ends].sort((a, b) => a - b)).toEqual(starts);
      expect(starts.length).toBe(all.filter((marker) => marker.kind === 'start').length);
      const finished = events.filter((event) => event.state === 'ended' && event.span.state === 'finished');
      expect(orphans + finished.length).toBe(all.length - starts.length);
      expect(tracker.nextExpiryNs()).toBeUndefined();
    }),
  );
});

test('10,000 spans may be open at once', () => {
  const tracker = everything();
  for (let i = 0; i < 10_000; i++) tracker.accept('s', at(i, [start(`s${i % 100}`)]), 0);
  for (let i = 0; i < 200_000; i++) tracker.accept('s', at(i, [start('x'), end('x')]), 0);
  expect(tracker.finish('s', 0n)).toHaveLength(10_000);
});
