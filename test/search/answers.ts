import { families } from './families.ts';
import { attempt, type Outcome, type Sought } from './trial-run.ts';

export interface Record {
  /** Share of the seeds whose answer is right: near the optimum, constraints truly held, or infeasible if it is so. */
  readonly right: number;
  readonly holds: number;
  readonly medianRuns: number;
  readonly outcomes: readonly Outcome[];
}

/** Searches one surface of a family for each seed. */
export async function recordOf(family: string, sought: Sought, seeds: number): Promise<Record> {
  const found = families.find(({ name }) => name === family);
  if (found === undefined) throw new Error(`no family "${family}"`);
  const outcomes: Outcome[] = [];
  for (let seed = 1; seed <= seeds; seed++) outcomes.push(await attempt(found, seed * 7919, sought));
  const share = (says: (outcome: Outcome) => boolean): number => outcomes.filter(says).length / seeds;
  const runs = outcomes.map((outcome) => outcome.runs).toSorted((a, b) => a - b);
  return {
    right: share((outcome) => outcome.right),
    holds: share((outcome) => outcome.holds),
    medianRuns: runs[Math.floor(runs.length / 2)] ?? 0,
    outcomes,
  };
}

/** The surfaces that a search has to master: the rest of the families show where it does not. */
export const required = ['knee', 'early peak', 'plateau', 'late feasible', 'infeasible'] as const;
