import type { BenchmarkResult } from '../bench/result.ts';
import { normalCdf, normalPdf } from '../stats/normal.ts';
import type { Best, SearchEvent } from './contract.ts';
import { worthOf } from './explore.ts';
import { keyOf, type Field, type Point } from './field.ts';
import { keeps } from './limits.ts';
import { SURE, type Model } from './model.ts';
import { neighbourhood } from './neighbourhood.ts';
import { summarise } from './summary.ts';

const FINALISTS = 3;
/** A finalist is measured again while it is expected to beat the leader by such a share of its QPS. */
const WORTH_A_RUN = 0.003;
/** A point whose fresh runs fall short of a limit that all runs together clear gets so many times more of them. */
const MOST_ROUNDS = 2;
/** Below this, no step back is worth a run. */
const HOPELESS = 1e-4;

/**
 * Measures the best three again, interleaved, and answers with these fresh runs alone: those before made them look
 * good. One that is clearly beaten, or no longer sure to hold the constraints, makes room for the next.
 * @returns the answer; null where no point is sure to hold the constraints, or the runs are used up.
 */
export async function* confirm(
  field: Field,
  repeats: number,
): AsyncGenerator<SearchEvent, Best | null, void> {
  const { lab } = field;
  const fresh = new Map<string, BenchmarkResult[]>();
  const freshOf = (point: Point): BenchmarkResult[] => fresh.get(keyOf(point)) ?? [];
  const out = new Set<string>();
  for (;;) {
    const { model } = field;
    if (model === null) return null;
    const contenders = sureOf(field, model).filter((point) => !out.has(keyOf(point)));
    const leader = contenders[0];
    if (leader !== undefined && freshOf(leader).length >= repeats) {
      const best = summarise(field.configOf(leader), freshOf(leader));
      if (keeps(best.result, field.constraints)) return best;
      if (lab.end !== null) return null;
      // All runs together say that it holds, these few do not: a few more show which.
      if (freshOf(leader).length < MOST_ROUNDS * repeats) {
        const result = yield* field.run(leader, 'confirm');
        if (result !== null) fresh.set(keyOf(leader), [...freshOf(leader), result]);
        continue;
      }
      const higher = nextEf(field, leader, best.result);
      for (const point of higher === null ? [leader] : contenders.filter(sharesEf(field, leader)))
        out.add(keyOf(point));
      if (higher !== null && field.runsOf(higher) === 0) yield* field.run(higher, 'ef');
      continue;
    }
    if (lab.end !== null) return null;
    if (leader === undefined) {
      const back = stepBack(field, model, out);
      if (back === null) return null;
      const result = yield* field.run(back, 'narrow');
      if (result === null) out.add(keyOf(back));
      continue;
    }
    const finalists = contenders
      .slice(0, FINALISTS)
      .filter((point) => point === leader || chanceToBeat(model, point, leader) > WORTH_A_RUN);
    // The one with the fewest fresh runs comes next: that interleaves them, so that drift meets all alike.
    const next = finalists.reduce((least, point) =>
      freshOf(point).length < freshOf(least).length ? point : least,
    );
    const result = yield* field.run(next, 'confirm');
    if (result === null) out.add(keyOf(next));
    else fresh.set(keyOf(next), [...freshOf(next), result]);
  }
}

/** Measured points that surely hold the constraints, the fastest first. */
function sureOf(field: Field, model: Model): Point[] {
  return field.visits
    .map(({ point }) => ({ point, view: model.at(point) }))
    .filter(({ view }) => view.holds >= SURE)
    .toSorted((a, b) => b.view.lnQps - a.view.lnQps)
    .map(({ point }) => point);
}

/** The point where a run is likeliest to find one that clears the limits. */
function stepBack(field: Field, model: Model, out: ReadonlySet<string>): Point | null {
  let next: { point: Point; worth: number } | null = null;
  for (const point of pointsAround(field)) {
    if (out.has(keyOf(point))) continue;
    const worth = worthOf(model.at(point), -Infinity, model);
    if (worth > (next?.worth ?? HOPELESS)) next = { point, worth };
  }
  return next?.point ?? null;
}

/** All points that differ from a measured one in one value. */
function pointsAround(field: Field): Point[] {
  const around = field.visits.flatMap(({ point }) =>
    field.axes.flatMap((_, index) => neighbourhood(field, point, [index])),
  );
  return [...new Map(around.map((point) => [keyOf(point), point])).values()].filter(
    (point) => !field.isDoubtful(point),
  );
}

/** The next larger ef where the recall fell short; other clients would not mend that. Null where it did not. */
function nextEf(field: Field, point: Point, result: BenchmarkResult): Point | null {
  const ef = field.axes.findIndex(({ name }) => name === 'efSearch');
  if (ef < 0 || keeps({ ...result, latencyP99: 0 }, field.constraints)) return null;
  const next = field.axes[ef]!.values.find((value) => value > point[ef]!);
  return next === undefined ? null : point.with(ef, next);
}

function sharesEf(field: Field, point: Point): (other: Point) => boolean {
  const ef = field.axes.findIndex(({ name }) => name === 'efSearch');
  return (other) => other[ef] === point[ef];
}

/** Expected gain of ln QPS over the leader, were the truth known. */
function chanceToBeat(model: Model, point: Point, leader: Point): number {
  const a = model.at(point);
  const b = model.at(leader);
  const sd = Math.hypot(a.sd, b.sd);
  const z = (a.lnQps - b.lnQps) / sd;
  return sd * (z * normalCdf(z) + normalPdf(z));
}
