import type { Measure, Search, SearchOptions } from '../src/search/contract.ts';
import { gridSearch } from '../src/search/grid.ts';
import { searchMaxQps } from '../src/search/max-qps.ts';
import { families } from '../test/search/families.ts';
import { bisection } from '../test/search/bisection.ts';
import { attempt, type Outcome } from '../test/search/trial-run.ts';

const SEEDS = 20;

/**
 * The search for ef and clients together on noisy surfaces of known truth, beside a grid of about as many runs and a
 * bisection of ef and then clients: runs, true QPS as a share of the true optimum, and how often the constraints
 * truly hold. Seeded: the same figures everywhere.
 */
export async function run(print: (line: string) => void): Promise<void> {
  print(
    `both parameters, ${SEEDS} seeds each: runs (median), true share of the optimum (5 %, median), right`,
  );
  print(`${''.padEnd(26)}${['stagewatch', 'grid', 'bisection'].map((name) => name.padEnd(30)).join('')}`);
  for (const family of families) {
    const columns: string[] = [];
    for (const search of [searchMaxQps, grid, bisection]) {
      const outcomes: Outcome[] = [];
      for (let seed = 1; seed <= SEEDS; seed++)
        outcomes.push(await attempt(family, seed * 7919, 'both', 60, search));
      columns.push(columnOf(outcomes));
    }
    print(`${family.name.padEnd(26)}${columns.map((column) => column.padEnd(30)).join('')}`);
  }
}

/** Four values of each, evenly on a scale of ratios, and the best three again. */
function grid({ base, constraints, budget }: SearchOptions, measure: Measure): Search {
  return gridSearch(
    {
      base: base,
      grid: { efSearch: [22, 59, 158, 423], numClients: [2, 8, 32, 128] },
      constraints,
      budget,
      confirmations: 2,
    },
    measure,
  );
}

function columnOf(outcomes: readonly Outcome[]): string {
  const at = (values: readonly number[], share: number): number =>
    values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? NaN;
  const shares = outcomes.map(({ share, holds }) => (holds ? share : 0));
  const right = outcomes.filter((outcome) => outcome.right).length / outcomes.length;
  const runs = at(
    outcomes.map((outcome) => outcome.runs),
    0.5,
  );
  return `${String(runs).padStart(3)}  ${at(shares, 0.05).toFixed(3)} ${at(shares, 0.5).toFixed(3)}  ${(right * 100).toFixed(0).padStart(3)} %`;
}
