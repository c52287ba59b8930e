import { normalCdf, normalPdf } from '../stats/normal.ts';
import { valueAt } from './axis.ts';
import type { SearchEvent } from './contract.ts';
import { keyOf, type Field, type Point } from './field.ts';
import { SURE, type Model, type View } from './model.ts';
import { neighbourhood } from './neighbourhood.ts';

/**
 * A run is worth its time while it is expected to raise the QPS by such a share: where the constraints hold for sure,
 * less would be lost in the noise of the last comparison; where they are in doubt, a run that clears them gains all.
 */
const WORTH_A_RUN = { sure: 0.006, inDoubt: 0.001 } as const;

/**
 * Seeks the highest QPS along some axes: first a wide bracket, then each run where it is worth most.
 * @param start a point; the axes that are not turned keep its values.
 * @param turned the axes that are turned, by index.
 * @param reserve runs that are left for what follows.
 * @param holdsStill says after each run whether the values of the other axes still stand; where not, this returns.
 */
export async function* explore(
  field: Field,
  start: Point,
  turned: readonly number[],
  reserve: number,
  holdsStill: () => boolean,
): AsyncGenerator<SearchEvent, void, void> {
  const { lab } = field;
  const mayRun = (): boolean => lab.end === null && lab.runsLeft > reserve && holdsStill();
  if (!isBracketed(field, turned))
    for (const point of wideBracket(field, start, turned))
      if (mayRun() && field.runsOf(point) === 0) yield* field.run(point, 'bracket');
  while (mayRun()) {
    const next = nextPoint(field, start, turned);
    if (next === null) return;
    yield* field.run(next, field.runsOf(next) > 0 ? 'repeat' : 'narrow');
  }
}

/** Have enough values of each axis been tried, be it at other values of the rest? */
function isBracketed(field: Field, turned: readonly number[]): boolean {
  return turned.every((index) => new Set(field.visits.map(({ point }) => point[index])).size >= 3);
}

/** The middle, and a point on either side of it along each axis. */
function wideBracket(field: Field, start: Point, turned: readonly number[]): Point[] {
  const at = (point: Point, index: number, share: number): Point =>
    point.with(index, valueAt(field.axes[index]!, share));
  const middle = turned.reduce((point, index) => at(point, index, 0.5), start);
  const around = turned.flatMap((index) => [at(middle, index, 0.2), at(middle, index, 0.8)]);
  return [...new Map([middle, ...around].map((point) => [keyOf(point), point])).values()];
}

/** Where the next run is worth most; null where none is worth it. */
function nextPoint(field: Field, start: Point, turned: readonly number[]): Point | null {
  const { model } = field;
  if (model === null) return null;
  const best = Math.max(
    ...field.visits
      .filter(({ point }) => point.every((value, i) => turned.includes(i) || value === start[i]))
      .map(({ point }) => model.at(point))
      .map((view) => (view.holds >= SURE ? view.lnQps : -Infinity)),
  );
  let next: { point: Point; worth: number } | null = null;
  for (const point of neighbourhood(field, start, turned)) {
    if (field.isDoubtful(point)) continue;
    const view = model.at(point);
    const enough = view.holds >= SURE ? WORTH_A_RUN.sure : WORTH_A_RUN.inDoubt;
    const worth = worthOf(view, best, model) / enough;
    if (worth > (next?.worth ?? 1)) next = { point, worth };
  }
  return next?.point ?? null;
}

/** Expected gain of ln QPS for each run that it takes. @param best ln QPS of the best sure point; -Infinity without. */
export function worthOf(view: View, best: number, model: Model): number {
  // Without any sure point each one that holds is a gain; the fastest are worth most.
  const gain =
    best === -Infinity ? Math.exp(view.lnQps - model.highest) : expectedGain(view, best, model.noise.qps);
  return (view.holds * gain) / view.runsToSettle;
}

/**
 * Expected improvement (Jones, Schonlau and Welch 1998) of what we shall believe after one noisy run there: the
 * knowledge gradient of Frazier, Powell and Dayanik (2009), but for what the run tells of other points.
 */
function expectedGain(view: View, best: number, noise: number): number {
  const sd = view.sd ** 2 / Math.hypot(view.sd, noise);
  const z = (view.lnQps - best) / sd;
  return sd * (z * normalCdf(z) + normalPdf(z));
}
