import { BenchmarkConfig } from '../../src/bench/config.ts';
import type { Measure, Parameter, SearchAnswer, SearchOptions } from '../../src/search/contract.ts';
import { searchMaxQps } from '../../src/search/max-qps.ts';
import type { Family } from './families.ts';
import { CLIENTS, Dice, EF, noisy, optimumOf, range, type Surface } from './surfaces.ts';

export type Sought = 'both' | 'clients' | 'ef';

/** How one search ended, held against the truth. */
export interface Outcome {
  readonly runs: number;
  /** True QPS of the answer over that of the true optimum; 0 without an answer. */
  readonly share: number;
  /** The true recall is at most 0.002 short, and the true p99 at most 1 % over. */
  readonly holds: boolean;
  readonly answer: SearchAnswer;
  /** Found where there is an optimum, infeasible where there is none. */
  readonly right: boolean;
}

/** A third of the noise of a single run. */
export const P99_TOLERANCE = 0.01;

export async function attempt(
  family: Family,
  seed: number,
  sought: Sought,
  maxRuns = 60,
  search: (options: SearchOptions, measure: Measure) => ReturnType<typeof searchMaxQps> = searchMaxQps,
): Promise<Outcome> {
  const surface = family.make(new Dice(seed));
  const { measure, runs } = noisy(surface, family.noise, seed + 1_000_003);
  const fixedEf = smallestEf(surface);
  const base = new BenchmarkConfig({ efSearch: fixedEf, numClients: 10 });
  const answer = await drain(
    search(
      { base, parameters: parametersOf(sought), constraints: surface.constraints, budget: { maxRuns } },
      measure,
    ),
  );
  const truth = optimumOf(
    surface,
    sought === 'clients' ? [fixedEf] : range(EF),
    sought === 'ef' ? [base.numClients] : [...range(CLIENTS)],
  );
  if (answer.state !== 'found' || truth === null)
    return {
      runs: runs(),
      share: 0,
      holds: answer.state === 'infeasible' && truth === null,
      answer,
      right: answer.state === 'infeasible' && truth === null,
    };
  const { efSearch = fixedEf, numClients } = answer.best.config;
  const { minRecall = 0, maxLatencyP99 = Infinity } = surface.constraints;
  const holds =
    surface.recall(efSearch) >= minRecall - 0.002 &&
    surface.p99(efSearch, numClients) <= maxLatencyP99 * (1 + P99_TOLERANCE);
  const share = surface.qps(efSearch, numClients) / truth.qps;
  return { runs: runs(), share, holds, answer, right: holds && share >= 0.97 };
}

function parametersOf(sought: Sought): Parameter[] {
  const ef: Parameter = { name: 'efSearch', ...EF };
  const clients: Parameter = { name: 'numClients', ...CLIENTS };
  return sought === 'both' ? [ef, clients] : [sought === 'ef' ? ef : clients];
}

/** A little over the smallest that meets the recall, so that a search for clients alone has room. */
function smallestEf(surface: Surface): number {
  const { minRecall = 0 } = surface.constraints;
  for (const ef of range(EF))
    if (surface.recall(ef) >= minRecall) return Math.min(EF.max, Math.ceil(ef * 1.1));
  return EF.max;
}

export async function drain(search: ReturnType<typeof searchMaxQps>): Promise<SearchAnswer> {
  for (;;) {
    const step = await search.next();
    if (step.done === true) return step.value;
  }
}
