import { BenchmarkError } from '../bench/error.ts';
import type { Best, SearchAnswer, Trial } from './contract.ts';

/** A search that has no answer, with all that was measured. Itself: every run of it failed, or it was ended early. */
export class SearchError extends BenchmarkError {
  override readonly name: string = 'SearchError';
  /** All trials in the order in which they ran, failed ones too. */
  readonly trials: readonly Trial[];
  /** The point that came nearest to the constraints; null where nothing was measured. */
  readonly nearest: Best | null;

  constructor(code: string, message: string, answer: SearchAnswer, cause?: BenchmarkError) {
    super(code, message, cause === undefined ? {} : { cause, lastLines: cause.lastLines });
    this.trials = answer.trials;
    this.nearest = 'nearest' in answer ? answer.nearest : null;
  }
}

/** No point of the range holds the constraints. */
export class InfeasibleError extends SearchError {
  override readonly name = 'InfeasibleError';
}

/** The noise hides the answer, or the budget did not suffice to find it. */
export class UndecidedError extends SearchError {
  override readonly name = 'UndecidedError';
}

/** Makes an exception of every answer but `found`. */
export function errorOfAnswer(answer: Exclude<SearchAnswer, { state: 'found' }>): SearchError {
  switch (answer.state) {
    case 'infeasible':
      return new InfeasibleError('infeasible', answer.reason, answer);
    case 'undecided':
      return new UndecidedError('undecided', answer.reason, answer);
    case 'failed':
      return new SearchError(answer.error.code, answer.error.message, answer, answer.error);
  }
}
