import type { BenchmarkResult } from '../../src/bench/result.ts';
import { searched } from '../../src/search/answer.ts';
import type { Measure, Search, SearchEvent, SearchOptions } from '../../src/search/contract.ts';
import { Laboratory } from '../../src/search/laboratory.ts';
import { keeps } from '../../src/search/limits.ts';
import { configWith } from '../../src/search/parameter.ts';
import { summarise } from '../../src/search/summary.ts';

/**
 * What people write: halve the ef until it meets the recall, then halve the clients while p99 holds and QPS rises;
 * each point once, and the best run seen is the answer.
 */
export async function* bisection(options: SearchOptions, measure: Measure): Search {
  const lab = new Laboratory(measure, options.budget, options.signal);
  const { minRecall = 0 } = options.constraints;
  let config = options.base;
  let previous = 0;
  for (const { name, min, max } of options.parameters) {
    let [low, high] = [min, max];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const result: BenchmarkResult | null = yield* once(lab, configWith(config, name, middle));
      if (result === null) break;
      const below: boolean =
        name === 'efSearch'
          ? (result.recallAvg ?? 0) >= minRecall
          : !keeps(result, options.constraints) || result.qps < previous;
      if (name !== 'efSearch') previous = Math.max(previous, result.qps);
      if (below) high = middle;
      else low = middle + 1;
    }
    config = configWith(config, name, low);
  }
  const good = lab.trials.flatMap(({ outcome }) =>
    outcome.state === 'measured' && keeps(outcome.result, options.constraints) ? [outcome.result] : [],
  );
  if (good.length === 0)
    return { state: 'infeasible', reason: 'No run held the constraints.', nearest: null, ...searched(lab) };
  const best = good.reduce((a, b) => (b.qps > a.qps ? b : a));
  return { state: 'found', best: summarise(best.config, [best]), limitedBy: 'range', ...searched(lab) };
}

async function* once(
  lab: Laboratory,
  config: SearchOptions['base'],
): AsyncGenerator<SearchEvent, BenchmarkResult | null, void> {
  return yield* lab.run(config, 'narrow');
}
