import { endedEarly, searched } from './answer.ts';
import { axisOf, valueAt } from './axis.ts';
import { confirm } from './confirm.ts';
import type { Measure, Search, SearchAnswer, SearchEvent, SearchOptions } from './contract.ts';
import { explore } from './explore.ts';
import { Field, type Point } from './field.ts';
import { Laboratory } from './laboratory.ts';
import { limitedBy } from './limited-by.ts';
import { keeps, shortfall } from './limits.ts';
import { SURE } from './model.ts';
import { checkEffect, checkParameters, valueOf } from './parameter.ts';
import { bestEf, seekSmallestEf } from './smallest-ef.ts';
import { summarise } from './summary.ts';

/**
 * Seeks the highest QPS that the constraints allow, over any number of parameters: first the smallest `efSearch` that
 * meets the recall, if that is one of them, then the rest by a wide bracket and ever narrower steps, then fresh runs
 * of the best three. Of all but `efSearch` and `numClients` nothing is known beforehand: they are explored together,
 * along lines through the best points and all over their ranges.
 * @throws {UsageError} for parameters or ranges that cannot be; what `measure` throws that is no BenchmarkError.
 */
export async function* searchMaxQps(options: SearchOptions, measure: Measure): Search {
  checkParameters(options.parameters);
  checkEffect(
    options.parameters.map(({ name }) => name),
    options.base.operation,
  );
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
  let stands = false;
  while (!stands) {
    if (ef >= 0) {
      yield* seekSmallestEf(field, field.fastest ?? start, ef, reserve);
      start = start.with(ef, bestEf(field, start, ef));
      if ((field.model?.recallAt(start).holds ?? 1) < 1 - SURE) break;
    }
    // Each of these runs measures the recall too: another ef may turn out to be the smallest that meets it.
    const holdsStill = (): boolean => ef < 0 || bestEf(field, start, ef) === start[ef];
    if (others.length > 0) yield* explore(field, start, others, reserve, holdsStill);
    stands = holdsStill() || lab.end !== null || lab.runsLeft <= reserve;
  }
  if (ef >= 0) yield* seekSmallestEf(field, field.fastest ?? start, ef, reserve);
  const cutShort = lab.end !== null || lab.runsLeft <= reserve;
  const best = yield* confirm(field, repeats);
  if (best === null) return yield* answerWithout(field);
  const point = axes.map(({ name }) => Number(valueOf(best.config, name)));
  return { state: 'found', best, limitedBy: limitedBy(field, point, cutShort), ...searched(lab) };
}

/**
 * Infeasible when no point may hold the constraints, by the measurements where they are likeliest to: the recall at
 * the largest ef, p99 with the fewest clients.
 */
async function* answerWithout(field: Field): AsyncGenerator<SearchEvent, SearchAnswer, void> {
  const { lab, axes, constraints } = field;
  const clients = axes.findIndex(({ name }) => name === 'numClients');
  const before = field.likeliest;
  if (before !== null && clients >= 0 && constraints.maxLatencyP99 !== undefined) {
    const calmest = before.point.with(clients, axes[clients]!.values[0]!);
    if (field.runsOf(calmest) === 0) yield* field.run(calmest, 'narrow');
  }
  const likeliest = field.likeliest;
  const nearest = likeliest === null ? null : summarise(field.configOf(likeliest.point), likeliest.results);
  if (lab.end?.state !== 'failed' && likeliest !== null && nearest !== null) {
    const holds = field.model?.at(likeliest.point).holds ?? 1;
    if (holds < 1 - SURE && !keeps(nearest.result, constraints))
      return { state: 'infeasible', reason: shortfall(nearest, constraints), nearest, ...searched(lab) };
  }
  if (lab.end !== null) return endedEarly(lab, lab.end, nearest);
  const reason =
    'The points that may hold the constraints lie so near to the limit that no affordable number of runs tells.';
  return { state: 'undecided', reason, nearest, ...searched(lab) };
}
