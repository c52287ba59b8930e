import type { SeriesGroup } from '../report/series.ts';
import type { LiveDelta } from './live-session.ts';

/** New points of a series. */
export interface SeriesUpdate extends SeriesGroup {
  /** Where they begin: the page drops what it has from there on. */
  readonly from: number;
}

/** One message to the page. */
export interface LiveUpdate extends LiveDelta {
  readonly series: readonly SeriesUpdate[];
  /** It holds everything: what the page has may be of another session. */
  readonly isWhole: boolean;
  /** Nothing will come after this. */
  readonly ended: boolean;
}

/** The points that a page does not have. @param points how many it has, by series; brought up to date. */
export function seriesSince(groups: readonly SeriesGroup[], points: Map<string, number>): SeriesUpdate[] {
  const updates: SeriesUpdate[] = [];
  for (const group of groups) {
    const key = JSON.stringify([group.hook, group.target]);
    const had = points.get(key) ?? 0;
    // Fewer than before: it was thinned, and is told anew.
    const from = had > group.timesMs.length ? 0 : had;
    if (from === group.timesMs.length) continue;
    points.set(key, group.timesMs.length);
    updates.push({
      ...group,
      from,
      timesMs: group.timesMs.slice(from),
      values: Object.fromEntries(
        Object.entries(group.values).map(([name, values]) => [name, values.slice(from)]),
      ),
    });
  }
  return updates;
}
