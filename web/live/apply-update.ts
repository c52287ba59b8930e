import type { LiveUpdate } from '../../src/dashboard/update.ts';
import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import type { SeriesGroup } from '../../src/report/series.ts';

/** The session with what is new; undefined before the first whole update. Parts that did not change stay the same objects. */
export function applyUpdate(had: PageSession | undefined, update: LiveUpdate): PageSession | undefined {
  const before = update.isWhole ? undefined : had;
  const merged = { ...before, ...update.parts };
  if (merged.head === undefined) return undefined;
  return {
    ...(merged as PageSession),
    spans: withSpans(before?.spans ?? [], update.spans),
    series: update.series.reduce(withPoints, before?.series ?? []),
  };
}

function withSpans(before: readonly PageSpan[], changed: readonly PageSpan[]): readonly PageSpan[] {
  if (changed.length === 0) return before;
  const spans = new Map(before.map((span) => [span.id, span]));
  for (const span of changed) spans.set(span.id, span);
  return [...spans.values()].sort((a, b) => a.id - b.id);
}

function withPoints(
  groups: readonly SeriesGroup[],
  update: LiveUpdate['series'][number],
): readonly SeriesGroup[] {
  const { hook, target, from, timesMs, values, samples } = update;
  const is = (group: SeriesGroup): boolean => group.hook === hook && group.target === target;
  const old = groups.find(is);
  const kept = old?.timesMs.slice(0, from) ?? [];
  const names = new Set([...Object.keys(old?.values ?? {}), ...Object.keys(values)]);
  const blanks = (count: number): null[] => Array<null>(count).fill(null);
  const next: SeriesGroup = {
    hook,
    target,
    samples,
    timesMs: [...kept, ...timesMs],
    values: Object.fromEntries(
      [...names].map((name) => [
        name,
        [
          ...(old?.values[name]?.slice(0, kept.length) ?? blanks(kept.length)),
          ...(values[name] ?? blanks(timesMs.length)),
        ],
      ]),
    ),
  };
  return [...groups.filter((group) => !is(group)), next];
}
