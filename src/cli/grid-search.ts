import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import type { FoundDriver } from '../bench/drivers/find.ts';
import { UsageError } from '../error.ts';
import { stageOfTrial } from '../experiment/stage-of-trial.ts';
import type { ParameterName } from '../search/contract.ts';
import { combinationsOf, gridSearch, type GridOptions } from '../search/grid.ts';
import { parameterOf } from '../search/parameter.ts';
import { stageLabel } from '../stage/stage.ts';
import { addGridFlags, type GridFlags } from './search-flags.ts';
import { flagName, toConstraints } from './search-question.ts';
import { runSearch, type SearchPlan } from './search-run.ts';
import { answerText, commandText, pointTable, questionText } from './search-text.ts';

const CONFIRMATIONS = 3;
const FINALISTS = 3;

const EXAMPLES = `
Examples:
  stagewatch grid-search --dataset c10k --grid num_clients=10,20,50 --grid ef_search=50,100
  stagewatch grid-search -t get --grid config:io-threads=1,2,4,8 --repeats 3 --collect-perf

Exit codes: 0 done; 1 no combination holds the limits; 2 wrong use; 3 done, but a hook failed; 4 the benchmark failed;
5 its program is not there; 6 undecided; 130 interrupted.
`;

export const command = addGridFlags(
  new Command('grid-search')
    .summary('run every combination of some values, and name the best')
    .description(
      'Runs every combination of the values given, each as a stage, and the best three again: only these fresh runs are ' +
        'reported as the answer. All points are shown.',
    ),
)
  .addHelpText('after', EXAMPLES)
  .action((_: GridFlags, command: Command) => runSearch<GridFlags>(command, planOf));

function planOf(flags: GridFlags, base: BenchmarkConfig): SearchPlan {
  const grid = gridOf(flags.grid ?? []);
  const tuned = Object.keys(grid) as ParameterName[];
  const constraints = toConstraints(flags, base);
  const combinations = combinationsOf({ base, grid });
  const repeats = flags.repeats ?? 1;
  const confirmations = flags.confirmations ?? (combinations.length > 1 ? CONFIRMATIONS : 0);
  const needed = combinations.length * repeats + Math.min(FINALISTS, combinations.length) * confirmations;
  const budget = {
    // A run that fails may be tried once more.
    maxRuns: flags.maxRuns ?? 2 * needed,
    ...(flags.maxTime === undefined ? {} : { maxTimeMs: flags.maxTime }),
  };
  const question = { grid, constraints, budget, repeats, confirmations };
  const options: GridOptions = { base, ...question };
  return {
    asked: `trying ${combinations.length} combinations for ${questionText(constraints)}`,
    tuned,
    constraints,
    search: (measure, signal) => gridSearch({ ...options, signal }, measure),
    question,
    dryRun: (found) => dryRunText(combinations, tuned, needed, found),
    answerText: (answer, { driver }) =>
      `${pointTable(answer.trials, tuned)}\n\n${answerText({ ...answer, frontier: [] }, { constraints, tuned, driver })}`,
  };
}

/** @throws {UsageError} bad-grid, unknown-parameter. */
function gridOf(given: readonly string[]): Partial<Record<ParameterName, readonly string[]>> {
  if (given.length === 0)
    throw new UsageError('bad-grid', 'Expected --grid name=v1,v2,... at least once, got none.');
  const grid: Partial<Record<ParameterName, readonly string[]>> = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    const values = text
      .slice(equals + 1)
      .split(',')
      .map((value) => value.trim());
    if (equals < 1 || values.includes(''))
      throw new UsageError('bad-grid', `Expected --grid to be name=v1,v2,..., got "${text}".`);
    const name = parameterOf(text.slice(0, equals));
    if (grid[name] !== undefined)
      throw new UsageError('bad-grid', `Expected each parameter in one --grid, got ${flagName(name)} twice.`);
    grid[name] = values;
  }
  return grid;
}

function dryRunText(
  combinations: readonly BenchmarkConfig[],
  tuned: readonly ParameterName[],
  needed: number,
  { driver, why }: FoundDriver,
): string {
  return [
    `Would make ${needed} runs of ${combinations.length} combinations, by ${why}:`,
    ...combinations.map(
      (config) => `  ${stageLabel(stageOfTrial(config, tuned))}\n    ${commandText(config, driver)}`,
    ),
    '',
  ].join('\n');
}
