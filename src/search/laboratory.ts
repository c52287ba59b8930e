import type { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkError, BinaryNotFoundError } from '../bench/error.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { median } from '../stats/mean.ts';
import { configKey } from './config-key.ts';
import type {
  Budget,
  Measure,
  ParameterName,
  PlannedTrial,
  SearchEvent,
  Trial,
  TrialOutcome,
  TrialPurpose,
} from './contract.ts';

/** Why no more trials are run; the first reason stays. */
export type LaboratoryEnd =
  | { readonly state: 'budget'; readonly reason: string }
  | { readonly state: 'aborted' }
  | { readonly state: 'failed'; readonly error: BenchmarkError };

export interface Bracket {
  readonly name: ParameterName;
  readonly low: number;
  readonly high: number;
}

type Events<T> = AsyncGenerator<SearchEvent, T, void>;

const FAILURES_IN_A_ROW = 3;

/** What a second try may mend: time, connections, a server that is busy or still loading; not a setting that it refused. */
const TRANSIENT =
  /time-?d?-?out|connect|reset|^refused|econnrefused|unreachable|busy|loading|try-?again|econn|epipe/i;

/** Runs trials and keeps their book: numbers, budget, retries, failures in a row, the signal. */
export class Laboratory {
  readonly trials: Trial[] = [];
  readonly #measure: Measure;
  readonly #budget: Budget;
  readonly #signal: AbortSignal | undefined;
  readonly #told = new Set<string>();
  #end: LaboratoryEnd | null = null;
  #failuresInARow = 0;
  #spentMs = 0;

  constructor(measure: Measure, budget: Budget, signal?: AbortSignal) {
    this.#measure = measure;
    this.#budget = budget;
    this.#signal = signal;
  }

  /** Why it ran its last trial; null while it may go on. */
  get end(): LaboratoryEnd | null {
    if (this.#end !== null) return this.#end;
    if (this.#signal?.aborted === true) this.#end = { state: 'aborted' };
    else if (this.trials.length >= this.#budget.maxRuns)
      this.#end = { state: 'budget', reason: `${this.#budget.maxRuns} runs were allowed` };
    else if (this.#wouldTakeTooLong())
      this.#end = { state: 'budget', reason: `${(this.#budget.maxTimeMs ?? 0) / 1_000} s were allowed` };
    return this.#end;
  }

  /** Runs that the budget still has, by count and by the time that a run takes. */
  get runsLeft(): number {
    const byCount = this.#budget.maxRuns - this.trials.length;
    if (this.#budget.maxTimeMs === undefined || this.trials.length === 0) return Math.max(0, byCount);
    const byTime = Math.floor((this.#budget.maxTimeMs - this.#spentMs) / Math.max(1e-3, this.#usualMs()));
    return Math.max(0, Math.min(byCount, byTime));
  }

  /** What was measured with a configuration, oldest first. */
  resultsOf(config: BenchmarkConfig, purpose?: TrialPurpose): BenchmarkResult[] {
    const key = configKey(config);
    return this.trials
      .filter((trial) => purpose === undefined || trial.purpose === purpose)
      .flatMap((trial) =>
        trial.outcome.state === 'measured' && configKey(trial.config) === key ? [trial.outcome.result] : [],
      );
  }

  /**
   * One measurement; a failure that looks transient is retried once. Null where there is none: the point fails, or
   * the laboratory has ended.
   * @throws what `measure` throws, if that is no BenchmarkError: a configuration that no retry can mend, or a bug.
   */
  async *run(
    config: BenchmarkConfig,
    purpose: TrialPurpose,
    about: { readonly bracket?: Bracket; readonly best?: BenchmarkResult } = {},
  ): Events<BenchmarkResult | null> {
    for (let attempt = 1; attempt <= 2 && this.end === null; attempt++) {
      const trial = {
        number: this.trials.length + 1,
        config,
        purpose: attempt === 1 ? purpose : 'retry',
      } as const;
      yield { type: 'plan', trial, ...about, runsLeft: this.runsLeft };
      // The consumer may have aborted while it looked at the plan.
      if (this.end !== null) return null;
      const done = await this.#try(trial, attempt);
      if (done === null) return null;
      yield { type: 'trial', trial: done };
      if (done.outcome.state === 'measured') return done.outcome.result;
      if (!TRANSIENT.test(done.outcome.error.code)) return null;
    }
    return null;
  }

  /** Tells something once, however often it is found. */
  *warn(code: string, message: string): Generator<SearchEvent, void, void> {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    yield { type: 'warning', code, message };
  }

  /** Null for a run that the signal cut short: that is no measurement. */
  async #try(planned: PlannedTrial, attempt: number): Promise<Trial | null> {
    const startedMs = performance.now();
    let outcome: TrialOutcome;
    try {
      outcome = { state: 'measured', result: await this.#measure(planned.config) };
    } catch (thrown) {
      if (this.#signal?.aborted === true) return null;
      if (!(thrown instanceof BenchmarkError)) throw thrown;
      outcome = { state: 'failed', error: thrown, attempt };
    }
    const given = outcome.state === 'measured' ? outcome.result : outcome.error;
    const tookMs = this.#measure.tookMs?.(given) ?? performance.now() - startedMs;
    const trial: Trial = { ...planned, outcome, tookMs };
    this.trials.push(trial);
    this.#spentMs += tookMs;
    this.#failuresInARow = outcome.state === 'failed' ? this.#failuresInARow + 1 : 0;
    if (outcome.state === 'failed' && this.#isTheEnd(outcome.error))
      this.#end ??= { state: 'failed', error: outcome.error };
    return trial;
  }

  #isTheEnd(error: BenchmarkError): boolean {
    return error instanceof BinaryNotFoundError || this.#failuresInARow >= FAILURES_IN_A_ROW;
  }

  /** A run is not begun when, by what runs took so far, it would end after the time. */
  #wouldTakeTooLong(): boolean {
    if (this.#budget.maxTimeMs === undefined) return false;
    return this.#spentMs + (this.trials.length === 0 ? 0 : this.#usualMs()) > this.#budget.maxTimeMs;
  }

  #usualMs(): number {
    return median(this.trials.map((trial) => trial.tookMs));
  }
}
