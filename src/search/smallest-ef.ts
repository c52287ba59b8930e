import { valueAt, type Axis } from './axis.ts';
import type { SearchEvent } from './contract.ts';
import type { Field, Point } from './field.ts';
import { SURE, type Model } from './model.ts';

/** A run is worth its time while it is expected to lower the ef by such a share. */
const WORTH_A_RUN = 0.0025;

/**
 * Seeks the smallest ef that meets the recall: the best one, since QPS falls with ef. Each run goes where the gain,
 * times the probability that the recall is met, over the runs that it takes to be sure of that, is the highest:
 * a bisection at first, a repeat of the point near the limit at the end.
 * @param start a point whose other values all runs share.
 * @param index which of the axes is the ef.
 * @param reserve runs that are left for what follows.
 */
export async function* seekSmallestEf(
  field: Field,
  start: Point,
  index: number,
  reserve: number,
): AsyncGenerator<SearchEvent, void, void> {
  const axis = field.axes[index]!;
  const { lab } = field;
  while (lab.end === null && lab.runsLeft > reserve) {
    const ladder = new Ladder(field, start, index);
    const next = ladder.next();
    if (next === null) return;
    const point = start.with(index, next);
    const bracket = { name: axis.name, ...ladder.bracket() };
    yield* field.run(point, field.runsOf(point) > 0 ? 'repeat' : 'ef', { bracket });
  }
}

/** The smallest measured ef that surely meets the recall; else the one that is likeliest to. */
export function bestEf(field: Field, start: Point, index: number): number {
  return new Ladder(field, start, index).best();
}

/** The values of ef from small to large, with the probability that each meets the recall. */
class Ladder {
  readonly #axis: Axis;
  readonly #holds: ReadonlyMap<number, { readonly holds: number; readonly runsToSettle: number }>;
  readonly #measured: readonly number[];
  readonly #failed: ReadonlySet<number>;
  readonly #model: Model | null;

  constructor(field: Field, start: Point, index: number) {
    this.#axis = field.axes[index]!;
    this.#model = field.model;
    const model = this.#model;
    this.#holds = new Map(
      this.#axis.values.map((ef) => [
        ef,
        model === null ? { holds: 0.5, runsToSettle: 1 } : model.recallAt(start.with(index, ef)),
      ]),
    );
    this.#measured = [...new Set(field.visits.map(({ point }) => point[index]!))].toSorted((a, b) => a - b);
    this.#failed = new Set(this.#axis.values.filter((ef) => field.isDoubtful(start.with(index, ef))));
  }

  best(): number {
    const sure = this.#measured.find((ef) => this.#at(ef) >= SURE);
    const fallback = this.#measured.at(-1) ?? this.#axis.values.at(-1)!;
    return sure ?? this.#measured.reduce((best, ef) => (this.#at(ef) > this.#at(best) ? ef : best), fallback);
  }

  /** Where the next run is worth most; null where none is worth it. */
  next(): number | null {
    if (this.#model === null)
      return this.#axis.values.filter((ef) => !this.#failed.has(ef)).length > 0 ? this.#firstTry() : null;
    const last = this.#axis.values.at(-1)!;
    const sure = this.#measured.find((ef) => this.#at(ef) >= SURE);
    // While none is sure, the last one would be a gain too.
    const from = sure === undefined ? this.#axis.position(last) + 0.1 : this.#axis.position(sure);
    let next: { ef: number; worth: number } | null = null;
    for (const ef of this.#axis.values) {
      const gain = from - this.#axis.position(ef);
      if (gain <= 0) break;
      if (this.#failed.has(ef)) continue;
      const { holds, runsToSettle } = this.#holds.get(ef)!;
      const worth = (gain * holds) / runsToSettle;
      if (worth > (next?.worth ?? 0)) next = { ef, worth };
    }
    if (sure === undefined && this.#at(last) < 1 - SURE && !this.#failed.has(last))
      return this.#measured.includes(last) ? null : last;
    return next !== null && next.worth >= WORTH_A_RUN ? next.ef : null;
  }

  bracket(): { low: number; high: number } {
    const { values } = this.#axis;
    const low = values.findLast((ef) => this.#at(ef) < 1 - SURE) ?? values[0]!;
    const high = values.find((ef) => ef >= low && this.#at(ef) >= SURE) ?? values.at(-1)!;
    return { low, high };
  }

  #firstTry(): number {
    const middle = valueAt(this.#axis, 0.5);
    if (!this.#failed.has(middle)) return middle;
    return this.#axis.values.findLast((ef) => !this.#failed.has(ef))!;
  }

  #at(ef: number): number {
    return this.#holds.get(ef)?.holds ?? 0;
  }
}
