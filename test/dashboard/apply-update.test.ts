import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seriesSince, type LiveUpdate } from '../../src/dashboard/update.ts';
import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import type { SeriesGroup } from '../../src/report/series.ts';
import { SeriesCollector } from '../../src/report/series.ts';
import { applyUpdate } from '../../web/live/apply-update.ts';

const head = { label: 'x', state: 'running' } as PageSession['head'];

function group(hook: string, points: number, names: readonly string[]): SeriesGroup {
  const timesMs = Array.from({ length: points }, (_, i) => i * 250);
  return {
    hook,
    target: 't',
    timesMs,
    values: Object.fromEntries(names.map((name) => [name, timesMs.map((ms) => ms + name.length)])),
    samples: points,
  };
}

const update = (changed: Partial<LiveUpdate>): LiveUpdate => ({
  revision: 1,
  parts: {},
  spans: [],
  series: [],
  isWhole: false,
  ended: false,
  ...changed,
});

test('however often a page is told, it comes to the same as told once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }), fc.boolean(), (steps, isLate) => {
      const whole = update({ isWhole: true, parts: { head } });
      let session = applyUpdate(undefined, whole);
      const had = new Map<string, number>();
      let points = 0;
      for (const step of steps) {
        points += step;
        // A figure that comes later than the others is told as soon as it is there.
        const names = isLate && points < 15 ? ['cpu'] : ['cpu', 'memory.used'];
        const series = seriesSince([group('a', points, names), group('b', step, ['x'])], had);
        session = applyUpdate(session, update({ series }));
      }
      const names = isLate && points < 15 ? ['cpu'] : ['cpu', 'memory.used'];
      const a = session!.series.find(({ hook }) => hook === 'a');
      expect(a?.timesMs ?? []).toEqual(group('a', points, names).timesMs);
      for (const values of Object.values(a?.values ?? {})) expect(values.length).toBe(points);
      expect(a?.values['cpu'] ?? []).toEqual(group('a', points, ['cpu']).values['cpu']);
    }),
  );
});

test('what the collector thins while a page looks on, the page has thinned too', () => {
  const collector = new SeriesCollector(0, () => true);
  const had = new Map<string, number>();
  let session = applyUpdate(undefined, update({ isWhole: true, parts: { head } }));
  for (let i = 0; i < 20_000; i++) {
    collector.take(JSON.stringify({ hook: 'h', target: 't', monoNs: i * 1e6, v: i % 100 }));
    if (i % 777 === 0)
      session = applyUpdate(session, update({ series: seriesSince(collector.groups('whole'), had) }));
  }
  session = applyUpdate(session, update({ series: seriesSince(collector.groups('whole'), had) }));
  const [shown] = session!.series;
  const [kept] = collector.groups('whole');
  expect(shown!.timesMs).toEqual(kept!.timesMs);
  expect(shown!.values).toEqual(kept!.values);
});

test('spans are replaced by their number and stay in order; what did not change is the same object', () => {
  const span = (id: number, state: PageSpan['state']): PageSpan => ({ id, state }) as PageSpan;
  const first = applyUpdate(
    undefined,
    update({ isWhole: true, parts: { head }, spans: [span(2, 'open'), span(1, 'finished')] }),
  )!;
  expect(first.spans.map(({ id }) => id)).toEqual([1, 2]);
  const second = applyUpdate(first, update({ spans: [span(2, 'finished'), span(3, 'open')] }))!;
  expect(second.spans.map(({ id, state }) => `${id} ${state}`)).toEqual([
    '1 finished',
    '2 finished',
    '3 open',
  ]);
  expect(second.spans[0]).toBe(first.spans[0]);
  expect(applyUpdate(second, update({}))!.spans).toBe(second.spans);
});

test('a whole update makes the page forget what it had: another session may be served there now', () => {
  const span = { id: 9 } as PageSpan;
  const old = applyUpdate(
    undefined,
    update({ isWhole: true, parts: { head }, spans: [span], series: [{ ...group('a', 3, ['x']), from: 0 }] }),
  );
  const now = applyUpdate(old, update({ isWhole: true, parts: { head: { ...head, label: 'new' } } }))!;
  expect(now.head.label).toBe('new');
  expect(now.spans).toEqual([]);
  expect(now.series).toEqual([]);
});
