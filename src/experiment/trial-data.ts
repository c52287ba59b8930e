import { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkError } from '../bench/error.ts';
import { BenchmarkResult, type Measurement } from '../bench/result.ts';
import type { Best, FrontierPoint, SearchAnswer, Trial, TrialPurpose } from '../search/contract.ts';
import type { JournalLine, SessionEvent } from '../session/events.ts';
import { redactArgv } from '../target/redact.ts';

/** What runs, results and answers are in JSON: plain data with the library's names, and no secret. */
export type Data = Readonly<Record<string, unknown>>;

/** Of a configuration: all but its password. */
export function configData(config: BenchmarkConfig): Data {
  const { auth: _, ...shown } = config;
  return {
    ...shown,
    extraArgs: redactArgv(config.extraArgs),
    prefixArgs: redactArgv(config.prefixArgs),
    serverConfig: Object.fromEntries(Object.entries(config.serverConfig).map((pair) => redactArgv(pair))),
  };
}

/** Of a result: its configuration stands beside it. */
export function resultData(result: BenchmarkResult): Data {
  const { config: _, ...shown } = result;
  return shown;
}

function trialData({ number, purpose, config, outcome, tookMs }: Trial): Data {
  return {
    number,
    purpose,
    state: outcome.state,
    tookMs,
    config: configData(config),
    ...(outcome.state === 'measured'
      ? { result: resultData(outcome.result) }
      : { attempt: outcome.attempt, error: errorData(outcome.error) }),
  };
}

function errorData({ code, message, lastLines }: BenchmarkError): Data {
  return { code, message, ...(lastLines.length > 0 ? { lastLines } : {}) };
}

function bestData(best: Best | null): Data | null {
  if (best === null) return null;
  const { config, result, runs, qpsInterval } = best;
  return { config: configData(config), result: resultData(result), runs, qpsInterval };
}

function pointData({ config, ...point }: FrontierPoint): Data {
  return { ...point, config: configData(config) };
}

/** `{ version, state, best, trials, frontier, limitedBy }`, and what explains a state without an answer. */
export function answerData(answer: SearchAnswer): Data {
  return {
    version: 1,
    state: answer.state,
    best: answer.state === 'found' ? bestData(answer.best) : null,
    ...(answer.state === 'infeasible' || answer.state === 'undecided'
      ? { reason: answer.reason, nearest: bestData(answer.nearest) }
      : {}),
    ...(answer.state === 'failed' ? { error: errorData(answer.error) } : {}),
    limitedBy: answer.state === 'found' ? answer.limitedBy : null,
    frontier: answer.frontier.map(pointData),
    trials: answer.trials.map(trialData),
  };
}

/**
 * A trial as the journal has it when it begins.
 * @param how what runs, without secrets; `past` for one that ran in the session that this one goes on with.
 */
export function trialStarted(
  { number, purpose, config }: Pick<Trial, 'number' | 'purpose' | 'config'>,
  stage: string,
  how: { readonly command: readonly string[] } | { readonly past: true },
): SessionEvent {
  return {
    type: 'trial',
    state: 'started',
    trial: number,
    purpose,
    stage,
    config: configData(config),
    ...how,
  };
}

/** And when it has ended. */
export function trialEnded({ number, outcome, tookMs }: Trial): SessionEvent {
  if (outcome.state === 'measured')
    return { type: 'trial', state: 'measured', trial: number, tookMs, result: resultData(outcome.result) };
  const { error, attempt } = outcome;
  return {
    type: 'trial',
    state: 'failed',
    trial: number,
    tookMs,
    attempt,
    code: error.code,
    message: error.message,
  };
}

/**
 * The trials of a journal, in order, but for one that never ended or was broken off.
 * @param base gives what a journal does not keep: the password, and arguments that held a secret.
 */
export function trialsOf(journal: readonly JournalLine[], base: BenchmarkConfig): Trial[] {
  const started = new Map<number, JournalLine & { type: 'trial'; state: 'started' }>();
  const trials: Trial[] = [];
  for (const event of journal) {
    if (event.type !== 'trial') continue;
    if (event.state === 'started') {
      started.set(event.trial, event);
      continue;
    }
    const begin = started.get(event.trial);
    if (!begin || (event.state === 'failed' && event.code === 'aborted')) continue;
    const config = configOf(begin.config, base);
    trials.push({
      number: event.trial,
      purpose: begin.purpose as TrialPurpose,
      config,
      tookMs: event.tookMs,
      outcome:
        event.state === 'measured'
          ? {
              state: 'measured',
              result: new BenchmarkResult({ ...(event.result as Omit<Measurement, 'config'>), config }),
            }
          : {
              state: 'failed',
              attempt: event.attempt,
              error: new BenchmarkError(event.code, event.message),
            },
    });
  }
  return trials;
}

function configOf(data: Data, base: BenchmarkConfig): BenchmarkConfig {
  const { extraArgs, prefixArgs, auth } = base;
  return new BenchmarkConfig({ ...data, extraArgs, prefixArgs, ...(auth === undefined ? {} : { auth }) });
}
