import { endedEarly, searched } from './answer.ts';
import { axisOf, valueAt } from './axis.ts';
import { confirm, mostHopeful } from './confirm.ts';
import type { Best, Measure, Search, SearchAnswer, SearchEvent, SearchOptions } from './contract.ts';
import { explore } from './explore.ts';
import { Field, type Point } from './field.ts';
import { Laboratory } from './laboratory.ts';
import { limitThatBinds, shortfall } from './limits.ts';
import { SURE } from './model.ts';
import { checkParameters } from './parameter.ts';
import { bestEf, seekSmallestEf } from './smallest-ef.ts';
import { summarise } from './summary.ts';

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
  if (ef >= 0) {
    yield* seekSmallestEf(field, start, ef, reserve);
    start = start.with(ef, bestEf(field, start, ef));
  }
  const reachable = ef < 0 || field.model === null || field.model.recallAt(start).holds > 1 - SURE;
  if (others.length > 0 && reachable) {
    yield* explore(field, start, others, reserve);
    // Each of these runs measured the recall too: a smaller ef may have become sure.
    if (ef >= 0) yield* seekSmallestEf(field, field.fastest ?? start, ef, reserve);
  }
  const best = yield* confirm(field, repeats);
  return best === null ? yield* answerWithout(field) : answerWith(field, best);
}

function answerWith(field: Field, best: Best): SearchAnswer {
  const { lab, constraints } = field;
  return { state: 'found', best, limitedBy: limitThatBinds(lab.trials, best, constraints), ...searched(lab) };
}

/** Infeasible when the point that is likeliest to hold the constraints was measured, and surely does not. */
async function* answerWithout(field: Field): AsyncGenerator<SearchEvent, SearchAnswer, void> {
  const { lab, constraints } = field;
  const hopeful = mostHopeful(field);
  if (hopeful !== null && field.runsOf(hopeful) === 0) yield* field.run(hopeful, 'narrow');
  const nearest = nearestOf(field);
  const { model } = field;
  if (lab.end?.state !== 'failed' && model !== null && nearest !== null) {
    const last = mostHopeful(field);
    if (last !== null && field.runsOf(last) > 0 && model.at(last).holds < 1 - SURE)
      return { state: 'infeasible', reason: shortfall(nearest, constraints), nearest, ...searched(lab) };
  }
  if (lab.end !== null) return endedEarly(lab, lab.end, nearest);
  const reason =
    'The points that may hold the constraints lie so near to the limit that no affordable number of runs tells.';
  return { state: 'undecided', reason, nearest, ...searched(lab) };
}

/** The measured point that is likeliest to hold the constraints. */
function nearestOf(field: Field): Best | null {
  const { model } = field;
  if (model === null) return null;
  const [first, ...rest] = field.visits;
  if (first === undefined) return null;
  const holds = (point: Point): number => model.at(point).holds;
  const nearest = rest.reduce(
    (best, visit) => (holds(visit.point) > holds(best.point) ? visit : best),
    first,
  );
  return summarise(field.configOf(nearest.point), nearest.results);
}
