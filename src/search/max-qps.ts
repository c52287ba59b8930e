import type { BenchmarkConfig } from '../bench/config.ts';
import { axisOf, valueAt } from './axis.ts';
import { modelOf, pointOf, type Campaign } from './campaign.ts';
import { confirm } from './confirm.ts';
import type { Measure, Search, SearchOptions } from './contract.ts';
import { explore } from './explore.ts';
import { frontierOf } from './frontier.ts';
import { Laboratory } from './laboratory.ts';
import { checkParameters, configWith } from './parameter.ts';
import { bestEf, seekSmallestEf } from './smallest-ef.ts';

/** Seeks the highest QPS that the constraints allow. */
export async function* searchMaxQps(options: SearchOptions, measure: Measure): Search {
  checkParameters(options.parameters);
  const lab = new Laboratory(measure, options.budget, options.signal);
  const axes = options.parameters.map(axisOf);
  const repeats = options.repeats ?? 3;
  const campaign: Campaign = {
    lab,
    axes,
    constraints: options.constraints,
    repeats,
    reserve: Math.min(2 * repeats + 1, Math.ceil(options.budget.maxRuns / 2)),
  };
  const others = axes.filter(({ name }) => name !== 'efSearch');
  const ef = axes.find(({ name }) => name === 'efSearch');
  let base: BenchmarkConfig = pointOf(
    options.base,
    others,
    others.map((axis) => valueAt(axis, 0.5)),
  );
  if (ef !== undefined) {
    yield* seekSmallestEf(campaign, base, ef);
    const model = modelOf(campaign);
    if (model !== null) base = configWith(base, 'efSearch', bestEf(campaign, model, base, ef));
  }
  if (others.length > 0) yield* explore(campaign, base, others);
  const best = yield* confirm(campaign);
  const searched = { trials: lab.trials, frontier: frontierOf(lab.trials) };
  if (lab.end?.state === 'failed') return { state: 'failed', error: lab.end.error, ...searched };
  if (best !== null) return { state: 'found', best, limitedBy: 'saturation', ...searched };
  return { state: 'undecided', reason: 'no point', nearest: null, ...searched };
}
