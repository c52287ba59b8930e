import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { UsageError } from '../error.ts';
import { configKey } from './config-key.ts';
import type {
  Best,
  Budget,
  Constraints,
  Measure,
  ParameterName,
  Search,
  SearchEvent,
  TrialPurpose,
} from './contract.ts';
import { Laboratory } from './laboratory.ts';
import { checkEffect, configWith, parameterOf } from './parameter.ts';
import { endedEarly, searched } from './answer.ts';
import { keeps, limitThatBinds, shortfall } from './limits.ts';
import { summarise } from './summary.ts';

export interface GridOptions {
  readonly base: BenchmarkConfig;
  /** Every combination of these values is tried, the last parameter turning fastest. */
  readonly grid: Readonly<Partial<Record<ParameterName, readonly (number | string)[]>>>;
  readonly budget: Budget;
  /** Runs of each combination, in rounds over all of them, so that drift meets all alike; 1 by default. */
  readonly repeats?: number;
  /** Fresh runs of each of the best three afterwards; 3 by default, 0 for none. */
  readonly confirmations?: number;
  readonly constraints?: Constraints;
  /** Combinations that it says no to are left out. */
  readonly filter?: (config: BenchmarkConfig) => boolean;
  readonly signal?: AbortSignal;
}

const FINALISTS = 3;

/**
 * Tries every combination, then the best three again, and answers with the best of these fresh runs.
 * @throws {UsageError} for an unknown parameter, a value it cannot have, or a grid without any combination.
 */
export function gridSearch(options: GridOptions, measure: Measure): Search {
  return searchGrid(options, measure, combinationsOf(options), 'grid', options.confirmations ?? 3);
}

export interface SweepOptions {
  readonly base: BenchmarkConfig;
  readonly name: ParameterName;
  readonly values: readonly (number | string)[];
  readonly budget: Budget;
  /** Runs of each value, in rounds; 1 by default. */
  readonly repeats?: number;
  readonly constraints?: Constraints;
  readonly signal?: AbortSignal;
}

/**
 * Tries the values of one parameter in the order given, to show how the server changes from one to the next. The
 * answer names the best of them by the sweep's own runs.
 * @throws {UsageError} as `gridSearch` does.
 */
export function sweep(options: SweepOptions, measure: Measure): Search {
  const grid = { ...options, grid: { [options.name]: options.values } };
  return searchGrid(grid, measure, combinationsOf(grid), 'sweep', 0);
}

/** All combinations, each once. @throws {UsageError} as `gridSearch` does. */
export function combinationsOf({
  base,
  grid,
  filter,
}: Pick<GridOptions, 'base' | 'grid' | 'filter'>): BenchmarkConfig[] {
  const names = Object.keys(grid).map(parameterOf);
  if (!names.includes('operation')) checkEffect(names, base.operation);
  let configs = [base];
  for (const [name, values = []] of Object.entries(grid)) {
    const parameter = parameterOf(name);
    configs = configs.flatMap((config) => values.map((value) => configWith(config, parameter, value)));
  }
  const different = [...new Map(configs.map((config) => [configKey(config), config])).values()];
  const wanted = filter === undefined ? different : different.filter(filter);
  if (wanted.length > 0 && Object.keys(grid).length > 0) return wanted;
  throw new UsageError('empty-grid', 'Expected a grid with at least one combination, got none.');
}

async function* searchGrid(
  options: GridOptions,
  measure: Measure,
  points: readonly BenchmarkConfig[],
  purpose: TrialPurpose,
  confirmations: number,
): Search {
  const lab = new Laboratory(measure, options.budget, options.signal);
  const constraints = options.constraints ?? {};
  const first = yield* rounds(lab, points, options.repeats ?? 1, purpose);
  const finalists = bestFirst(points, first, constraints).slice(0, FINALISTS);
  const fresh = yield* rounds(lab, finalists, confirmations, 'confirm');
  if (lab.end?.state === 'failed') return endedEarly(lab, lab.end, null);

  const confirmed = finalists.filter((config) => (fresh.get(config) ?? []).length > 0);
  const [runs, left] = confirmed.length > 0 ? [fresh, confirmed] : [first, points];
  const best = bestFirst(left, runs, constraints)[0];
  const answer = best === undefined ? null : summarise(best, runs.get(best) ?? []);
  // What came after the last run that was wanted ended nothing.
  const complete =
    lab.trials.length >= points.length * (options.repeats ?? 1) + finalists.length * confirmations;
  if (!complete && lab.end !== null) return endedEarly(lab, lab.end, answer);
  if (answer === null || best === undefined) {
    const last = lab.trials.at(-1)?.outcome;
    // Too few combinations for three failures in a row: none was measured all the same.
    if (last?.state === 'failed') return { state: 'failed', error: last.error, ...searched(lab) };
    return {
      state: 'undecided',
      reason: 'No combination could be measured.',
      nearest: null,
      ...searched(lab),
    };
  }
  if (!keeps(answer.result, constraints))
    return { state: 'infeasible', reason: shortfall(answer, constraints), nearest: answer, ...searched(lab) };
  return {
    state: 'found',
    best: answer,
    limitedBy: points.length === 1 ? null : limitThatBinds(lab.trials, answer, constraints),
    ...searched(lab),
  };
}

async function* rounds(
  lab: Laboratory,
  points: readonly BenchmarkConfig[],
  repeats: number,
  purpose: TrialPurpose,
): AsyncGenerator<SearchEvent, Map<BenchmarkConfig, BenchmarkResult[]>, void> {
  const results = new Map<BenchmarkConfig, BenchmarkResult[]>();
  for (let round = 0; round < repeats; round++)
    for (const config of points) {
      if (lab.end !== null) return results;
      const result = yield* lab.run(config, purpose);
      if (result !== null) results.set(config, [...(results.get(config) ?? []), result]);
    }
  return results;
}

/** Measured points: those that hold the constraints before those that do not, then by QPS. */
function bestFirst(
  points: readonly BenchmarkConfig[],
  runs: ReadonlyMap<BenchmarkConfig, readonly BenchmarkResult[]>,
  constraints: Constraints,
): BenchmarkConfig[] {
  return points
    .flatMap((config) => {
      const results = runs.get(config) ?? [];
      return results.length === 0 ? [] : [{ config, summary: summarise(config, results) }];
    })
    .toSorted((a, b) => compare(a.summary, b.summary, constraints))
    .map(({ config }) => config);
}

function compare(a: Best, b: Best, constraints: Constraints): number {
  const [aKeeps, bKeeps] = [keeps(a.result, constraints), keeps(b.result, constraints)];
  return aKeeps === bKeeps ? b.result.qps - a.result.qps : aKeeps ? -1 : 1;
}
