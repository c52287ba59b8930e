import type { LimitedBy } from './contract.ts';
import type { Field, Point } from './field.ts';
import type { Model } from './model.ts';

/** A limit binds when without it the QPS would be so much higher. */
const WORTH_NAMING = 0.02;
/** A range ends too early when QPS still rises so much over its last fifth. */
const STILL_RISING = 0.03;

/**
 * What keeps the answer from being higher. The recall limits every search for an ef that found none below; p99 is
 * named before it, since it limits the load too.
 * @param cutShort the budget ended the search before it was done.
 */
export function limitedBy(field: Field, best: Point, cutShort: boolean): LimitedBy {
  const { model, axes } = field;
  if (model === null) return 'budget';
  if (axes.some((_, index) => wouldGainWithoutP99(field, model, best, index))) return 'p99';
  const ef = axes.findIndex(({ name }) => name === 'efSearch');
  if (ef >= 0 && field.constraints.minRecall !== undefined && best[ef] !== axes[ef]!.values[0])
    return 'recall';
  if (axes.some((_, index) => index !== ef && risesToTheEnd(field, model, best, index))) return 'range';
  return cutShort ? 'budget' : 'saturation';
}

function wouldGainWithoutP99(field: Field, model: Model, best: Point, index: number): boolean {
  const now = model.at(best).lnQps;
  return field.axes[index]!.values.some((value) => {
    const view = model.at(best.with(index, value));
    return view.p99Holds < 0.5 && view.recallHolds > 0.5 && view.lnQps > now + WORTH_NAMING;
  });
}

/** Is the answer at an end of its range, or as good as there, and would more of it be better? */
function risesToTheEnd(field: Field, model: Model, best: Point, index: number): boolean {
  const { values, position } = field.axes[index]!;
  if (values.length < 2) return false;
  const at = (value: number): number => model.at(best.with(index, value)).lnQps;
  return [values.at(-1)!, values[0]!].some((end) => {
    const fifth = Math.log(1.25);
    if (Math.abs(position(best[index]!) - position(end)) > fifth / 2) return false;
    const inside = values.reduce((nearest, value) =>
      Math.abs(Math.abs(position(value) - position(end)) - fifth) <
      Math.abs(Math.abs(position(nearest) - position(end)) - fifth)
        ? value
        : nearest,
    );
    return at(end) - at(inside) > STILL_RISING;
  });
}
