import { axisOf, valueAt } from './axis.ts';
import { endedEarly, searched } from './answer.ts';
import { confirm } from './confirm.ts';
import type { Measure, Search, SearchOptions } from './contract.ts';
import { explore } from './explore.ts';
import { Field, type Point } from './field.ts';
import { Laboratory } from './laboratory.ts';
import { limitThatBinds } from './limits.ts';
import { checkParameters } from './parameter.ts';
import { bestEf, seekSmallestEf } from './smallest-ef.ts';

/** Seeks the highest QPS that the constraints allow. */
export async function* searchMaxQps(options: SearchOptions, measure: Measure): Search {
  checkParameters(options.parameters);
  const { base, constraints, budget, repeats = 3 } = options;
  const lab = new Laboratory(measure, budget, options.signal);
  const axes = options.parameters.map(axisOf);
  const field = new Field(base, axes, constraints, lab);
  const reserve = Math.min(2 * repeats + 1, Math.ceil(budget.maxRuns / 2));
  const ef = axes.findIndex(({ name }) => name === 'efSearch');
  const others = axes.flatMap((_, i) => (i === ef ? [] : [i]));

  let start: Point = axes.map((axis, i) =>
    i === ef && constraints.minRecall === undefined ? axis.values[0]! : valueAt(axis, 0.5),
  );
  if (ef >= 0 && constraints.minRecall !== undefined) {
    yield* seekSmallestEf(field, start, ef, reserve);
    start = start.with(ef, bestEf(field, start, ef));
  }
  if (others.length > 0) yield* explore(field, start, others, reserve);
  const best = yield* confirm(field, repeats);
  if (lab.end?.state === 'failed') return endedEarly(lab, lab.end, null);
  if (best !== null)
    return {
      state: 'found',
      best,
      limitedBy: limitThatBinds(lab.trials, best, constraints),
      ...searched(lab),
    };
  return { state: 'undecided', reason: 'no point', nearest: null, ...searched(lab) };
}
