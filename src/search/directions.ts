import { mean } from '../stats/mean.ts';
import type { ParameterName, SearchEvent } from './contract.ts';
import type { Field, Visit } from './field.ts';
import { safeLog, type Noise } from './noise.ts';

interface Direction {
  readonly parameter: ParameterName;
  readonly quantity: 'recall' | 'QPS' | 'p99';
  /** 1 rises with the parameter, -1 falls, 0 does not depend on it. */
  readonly sign: 1 | -1 | 0;
}

/** What is known of every server: see the searches, which build on it. */
const directions: readonly Direction[] = [
  { parameter: 'efSearch', quantity: 'recall', sign: 1 },
  { parameter: 'efSearch', quantity: 'QPS', sign: -1 },
  { parameter: 'numClients', quantity: 'recall', sign: 0 },
  { parameter: 'numClients', quantity: 'p99', sign: 1 },
];

/** So many standard deviations are no noise: once in 4,000 comparisons where there is none. */
const BEYOND_NOISE = 3.7;

/**
 * Warns of measurements that go against what is known, beyond the noise: an index that is still being built, another
 * load on the machine, a setting that does nothing. They are told, not followed.
 * @param visit where was measured last.
 */
export function* checkDirections(field: Field, visit: Visit): Generator<SearchEvent, void, void> {
  const { model, axes, lab } = field;
  if (model === null) return;
  for (const { parameter, quantity, sign } of directions) {
    const index = axes.findIndex(({ name }) => name === parameter);
    if (index < 0) continue;
    for (const other of field.visits) {
      if (!other.point.every((value, i) => (i === index) === (value !== visit.point[i]))) continue;
      const [low, high] = other.point[index]! < visit.point[index]! ? [other, visit] : [visit, other];
      const [before, after] = [read(low, quantity), read(high, quantity)];
      if (before === null || after === null) continue;
      const sd = noiseOf(quantity, model.noise) * Math.sqrt(1 / low.results.length + 1 / high.results.length);
      const wrong = sign === 0 ? Math.abs(after - before) : sign * (before - after);
      if (wrong <= BEYOND_NOISE * sd) continue;
      const expected = sign === 0 ? 'not change' : sign > 0 ? 'rise' : 'fall';
      const shown = (value: number): string =>
        quantity === 'recall'
          ? value.toFixed(4)
          : `${Math.exp(value).toPrecision(4)}${quantity === 'p99' ? ' ms' : ''}`;
      yield* lab.warn(
        'against-direction',
        `Expected ${quantity} to ${expected} with ${parameter}, got ${shown(before)} at ${low.point[index]} and ${shown(after)} at ${high.point[index]}. Is something else using the machine, or the index still being built?`,
      );
    }
  }
}

function read({ results }: Visit, quantity: Direction['quantity']): number | null {
  if (quantity === 'QPS') return mean(results.map((result) => safeLog(result.qps)));
  if (quantity === 'p99') return mean(results.map((result) => safeLog(result.latencyP99)));
  const recalls = results.map((result) => result.recallAvg).filter((recall) => recall !== null);
  return recalls.length === 0 ? null : mean(recalls);
}

function noiseOf(quantity: Direction['quantity'], noise: Noise): number {
  return quantity === 'QPS' ? noise.qps : quantity === 'p99' ? noise.latencyP99 : noise.recall;
}
