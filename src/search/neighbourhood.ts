import { valueAt } from './axis.ts';
import { keyOf, type Field, type Point } from './field.ts';

/** With more axes than one: lines through so many of the best points, and so many points all over. */
const BEST_POINTS = 3;
const SPREAD = 150;

/** Points worth a thought: all of a single axis; else lines through the best points, and an even spread. */
export function neighbourhood(field: Field, start: Point, turned: readonly number[]): Point[] {
  const line = (point: Point, index: number): Point[] =>
    field.axes[index]!.values.map((value) => point.with(index, value));
  if (turned.length === 1) return line(start, turned[0]!);

  const { model } = field;
  const same = (point: Point): boolean => point.every((value, i) => turned.includes(i) || value === start[i]);
  const best =
    model === null
      ? []
      : field.visits
          .map(({ point }) => ({ point, view: model.at(point) }))
          .filter(({ point }) => same(point))
          .toSorted((a, b) => b.view.holds * b.view.lnQps - a.view.holds * a.view.lnQps)
          .slice(0, BEST_POINTS);
  const lines = best.flatMap(({ point }) => turned.flatMap((index) => line(point, index)));
  const spread = Array.from({ length: SPREAD }, (_, i) =>
    turned.reduce(
      (point, index, dimension) =>
        point.with(index, valueAt(field.axes[index]!, halton(i + 1, primeOf(dimension)))),
      start,
    ),
  );
  return [...new Map([...lines, ...spread].map((point) => [keyOf(point), point])).values()];
}

/** An even spread without chance: Halton, Numerische Mathematik 2 (1960). */
function halton(index: number, base: number): number {
  let value = 0;
  let share = 1 / base;
  for (let rest = index; rest > 0; rest = Math.floor(rest / base), share /= base)
    value += (rest % base) * share;
  return value;
}

function primeOf(dimension: number): number {
  const primes = [2, 3, 5, 7, 11, 13];
  return primes[dimension % primes.length]!;
}
