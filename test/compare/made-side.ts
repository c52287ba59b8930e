import type { Run, Side, SideStage } from '../../src/compare/side.ts';

/** A run whose figures are known. @param at when it began: whole numbers, base and new in turns where they are pairs. */
export function madeRun(at: number, figures: Run['figures'], more: Partial<Run> = {}): Run {
  return { session: 's', span: at, startedMs: at, figures, openLoop: false, ...more };
}

export function madeSide(
  name: string,
  stages: readonly Partial<SideStage>[],
  facts: Side['facts'] = {},
): Side {
  return {
    name,
    facts,
    notes: [],
    stages: stages.map((stage) => ({ stage: 'get', runs: [], facts: {}, hooks: [], folded: '', ...stage })),
  };
}

/** Both sides of one stage, run in turns, from one figure of each pair. */
export function madePairs(
  metric: string,
  pairs: readonly (readonly [base: number, fresh: number])[],
  stage = 'get',
): readonly [Side, Side] {
  const side = (which: 0 | 1): Side =>
    madeSide(which === 0 ? 'old' : 'new', [
      { stage, runs: pairs.map((pair, i) => madeRun(2 * i + which, { [metric]: pair[which] })) },
    ]);
  return [side(0), side(1)];
}
