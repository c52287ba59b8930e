import type { Best, FrontierPoint, SearchAnswer, Trial } from './contract.ts';
import { frontierOf } from './frontier.ts';
import type { Laboratory, LaboratoryEnd } from './laboratory.ts';

/** What every answer holds. */
export function searched(lab: Laboratory): { trials: readonly Trial[]; frontier: readonly FrontierPoint[] } {
  return { trials: [...lab.trials], frontier: frontierOf(lab.trials) };
}

/** The answer of a search that was ended before it had one. */
export function endedEarly(lab: Laboratory, end: LaboratoryEnd, nearest: Best | null): SearchAnswer {
  switch (end.state) {
    case 'failed':
      return { state: 'failed', error: end.error, ...searched(lab) };
    case 'aborted':
      return {
        state: 'undecided',
        reason: 'The search was stopped before it had an answer.',
        nearest,
        ...searched(lab),
      };
    case 'budget':
      return {
        state: 'undecided',
        reason: `The budget was spent before there was an answer: ${end.reason}.`,
        nearest,
        ...searched(lab),
      };
  }
}
