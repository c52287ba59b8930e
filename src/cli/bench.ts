import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import { namesOfRun, stageOfTrial } from '../experiment/stage-of-trial.ts';
import { gridSearch } from '../search/grid.ts';
import { stageLabel } from '../stage/stage.ts';
import { addBenchFlags, type BenchFlags } from './bench-flags.ts';
import { addRepeatFlag } from './search-flags.ts';
import { runSearch, type SearchPlan } from './search-run.ts';
import { commandText, failureText, runText } from './search-text.ts';

interface Flags extends BenchFlags {
  readonly repeats?: number;
}

const EXAMPLES = `
Examples:
  stagewatch bench --dataset c10k --ef-search 100 --num-clients 20
  stagewatch bench -t get -r 100000 -n 1000000 --repeats 5 --collect-perf
  stagewatch bench -t get --set-config io-threads=4 --server-cpus 0-3 --client-cpus 4-7
`;

export const command = addBenchFlags(
  addRepeatFlag(
    new Command('bench')
      .summary('run a benchmark as a stage, and profile it')
      .description(
        'Runs a benchmark program (valkey-bench-rs, valkey-benchmark or the built-in load), as a stage that is profiled ' +
          'where hooks are asked for, and judges its result: a run whose figures mean nothing has failed.',
      ),
  ),
)
  .addHelpText('after', EXAMPLES)
  .action((_: Flags, command: Command) => runSearch<Flags>(command, planOf));

/** A grid of one point. */
function planOf(flags: Flags, base: BenchmarkConfig): SearchPlan {
  const tuned = namesOfRun(base);
  const repeats = flags.repeats ?? 1;
  const options = {
    base,
    grid: { numClients: [base.numClients] },
    repeats,
    confirmations: 0,
    // A run that fails may be tried once more.
    budget: { maxRuns: 2 * repeats },
  };
  return {
    asked: `running ${base.operation}${repeats === 1 ? '' : ` ${repeats} times`}`,
    tuned,
    constraints: {},
    search: (measure, signal) => gridSearch({ ...options, signal }, measure),
    question: { repeats },
    dryRun: ({ driver, why }) =>
      `Would run ${stageLabel(stageOfTrial(base, tuned))}${repeats === 1 ? '' : ` ${repeats} times`}, by ${why}:\n  ${commandText(base, driver)}\n`,
    answerText: (answer, { driver }) =>
      answer.state === 'found' ? runText(answer.best, driver) : failureText(answer),
  };
}
