import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import type { FoundDriver } from '../bench/drivers/find.ts';
import { stageOfTrial } from '../experiment/stage-of-trial.ts';
import type { Parameter, SearchOptions } from '../search/contract.ts';
import { searchMaxQps } from '../search/max-qps.ts';
import { configWith } from '../search/parameter.ts';
import { stageLabel } from '../stage/stage.ts';
import { addSearchFlags, type SearchFlags } from './search-flags.ts';
import { flagName, TARGET_RECALL, toConstraints, toParameters } from './search-question.ts';
import { runSearch, type SearchPlan } from './search-run.ts';
import { answerText, commandText, questionText } from './search-text.ts';

/** A search for two parameters takes half of it as a rule; the rest is for noise. */
const MAX_RUNS = 60;
const REPEATS = 3;

const EXAMPLES = `
Examples:
  stagewatch max-qps-recall --dataset c10k --target-recall 0.95 --max-p99-latency 10
  stagewatch max-qps-recall --dataset c10k --ef-search 100 --max-p99-latency 5 --collect-perf
  stagewatch max-qps-recall --dataset c10k --search-param ef_search --min-value 20 --max-value 400
  stagewatch max-qps-recall -t get -r 100000 --max-p99-latency 1
  stagewatch max-qps-recall -t get --num-clients 50 --tune config:io-threads:1:8
  stagewatch max-qps-recall --resume stage_perf/2026-11-23T04-41-17Z-max-qps-recall

Exit codes: 0 found; 1 no point holds the limits; 2 wrong use; 3 found, but a hook failed; 4 the benchmark failed;
5 its program is not there; 6 undecided; 130 interrupted.
`;

export const command = addSearchFlags(
  new Command('max-qps-recall')
    .summary('find the highest QPS at a recall and p99, and what limits it')
    .description(
      'Finds the highest QPS that holds a recall and a p99, over ef_search and clients or what --tune names. Every run is ' +
        'a stage, and is profiled where hooks are asked for (--collect-perf, --profile). Without hooks nothing is attached.',
    ),
)
  .addHelpText('after', EXAMPLES)
  .action((_: SearchFlags, command: Command) => runSearch<SearchFlags>(command, planOf));

export function planOf(flags: SearchFlags, base: BenchmarkConfig): SearchPlan {
  const parameters = toParameters(flags, base);
  const constraints = toConstraints(flags, base, TARGET_RECALL);
  const budget = {
    maxRuns: flags.maxRuns ?? MAX_RUNS,
    ...(flags.maxTime === undefined ? {} : { maxTimeMs: flags.maxTime }),
  };
  const question = { constraints, parameters, budget, repeats: flags.repeats ?? REPEATS };
  const tuned = parameters.map(({ name }) => name);
  return {
    asked: `seeking ${questionText(constraints)}`,
    tuned,
    constraints,
    search: (measure, signal) => searchMaxQps({ base, ...question, signal }, measure),
    question,
    dryRun: (found) => dryRunText({ base, ...question }, found),
    answerText: (answer, { driver }) => answerText(answer, { constraints, tuned, driver }),
  };
}

/** What would be run; the points between the corners follow from what is measured. */
function dryRunText(options: SearchOptions, { driver, why }: FoundDriver): string {
  const { base, parameters, constraints, budget, repeats } = options;
  const tuned = parameters.map(({ name }) => name);
  const corner = (edge: 'min' | 'max'): BenchmarkConfig =>
    parameters.reduce((config, parameter) => configWith(config, parameter.name, parameter[edge]), base);
  const corners = [corner('min'), corner('max')];
  return [
    `Would seek ${questionText(constraints)}`,
    `with ${why}`,
    ...parameters.map((parameter) => `  ${rangeText(parameter)}`),
    `in at most ${budget.maxRuns} runs${budget.maxTimeMs === undefined ? '' : ` and ${budget.maxTimeMs / 1_000} s`}; the best are measured ${repeats} times again.`,
    'Runs between, and at, these:',
    ...corners.map(
      (config) => `  ${stageLabel(stageOfTrial(config, tuned))}\n    ${commandText(config, driver)}`,
    ),
    '',
  ].join('\n');
}

function rangeText({ name, min, max, step }: Parameter): string {
  return `${flagName(name)} from ${min} to ${max}${step === undefined || step === 1 ? '' : ` in steps of ${step}`}`;
}
