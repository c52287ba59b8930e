import type { BenchmarkConfig } from '../bench/config.ts';
import type { RunObserver } from '../bench/driver.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { ExperimentView } from '../experiment/experiment.ts';
import type { Constraints, ParameterName, SearchEvent, Trial } from '../search/contract.ts';
import { keeps } from '../search/limits.ts';
import { valueOf } from '../search/parameter.ts';
import type { SessionEvent } from '../session/events.ts';
import { formatEnd, formatStart } from '../stage/emitter.ts';
import { parseStage } from '../stage/stage.ts';
import { LiveLine } from './live-line.ts';
import { writeResult } from './output.ts';
import { flagName } from './search-question.ts';
import { settingLine } from './setting-line.ts';
import { duration, printable } from './text.ts';
import type { View } from './view.ts';

export interface SearchViewOptions {
  readonly tuned: readonly ParameterName[];
  /** What the best so far must hold. */
  readonly constraints: Constraints;
  /** Everything that is not ours to render. */
  readonly views: Pick<View, 'onEvent'>;
  readonly verbosity: 'silent' | 'quiet' | 'normal' | 'verbose';
  /** Told of each trial that has ended, before anything is shown. */
  readonly onTrial?: (trial: Trial, stage: string) => void;
}

/** How often the live line is drawn, ms. */
const TICK_MS = 500;

/** A search as it goes, on standard error: markers, a line for each trial, and on a terminal what runs now. */
export class SearchView implements ExperimentView, Disposable {
  readonly run: RunObserver;
  readonly #options: SearchViewOptions;
  readonly #live: LiveLine;
  readonly #tookMs: number[] = [];
  #running: { readonly step: SearchEvent & { type: 'plan' }; readonly sinceMs: number } | undefined;
  /** The highest single run that holds the limits: what the answer is will be measured again. */
  #best: BenchmarkResult | undefined;
  #requests = 0;
  #isPast = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SearchViewOptions) {
    this.#options = options;
    const { verbosity } = options;
    this.#live = new LiveLine(2, verbosity === 'silent' || verbosity === 'quiet' ? false : undefined);
    this.run = {
      progress: ({ requests }) => (this.#requests = requests),
      ...(verbosity === 'verbose' && { output: (chunk) => this.#say(Buffer.from(chunk).toString()) }),
    };
  }

  onEvent: ExperimentView['onEvent'] = (event, atNs) => {
    // Where words are not wanted, markers are not either: NDJSON has them as events.
    const marker = this.#options.verbosity === 'silent' ? undefined : markerOf(event);
    if (marker !== undefined) this.#say(`${marker}\n`);
    if (event.type === 'trial' && event.state === 'started') this.#isPast = event.past ?? false;
    if (event.type === 'setting' && this.#options.verbosity !== 'silent') this.#saySetting(event);
    const isShownHere = event.type === 'span-start' || event.type === 'span-end';
    if (isShownHere && this.#options.verbosity !== 'silent') return;
    this.#live.aside(() => this.#options.views.onEvent(event, atNs));
  };

  onStep: ExperimentView['onStep'] = (step, stage) => {
    if (step.type === 'plan') this.#begin(step);
    if (step.type !== 'trial') return;
    this.#options.onTrial?.(step.trial, stage);
    const { outcome } = step.trial;
    if (outcome.state === 'measured' && keeps(outcome.result, this.#options.constraints))
      this.#best = (this.#best?.qps ?? 0) > outcome.result.qps ? this.#best : outcome.result;
    if (!this.#isPast) this.#tookMs.push(step.trial.tookMs);
    this.#end(step.trial);
  };

  /** A line of words, above the live one. */
  line(text: string): void {
    if (this.#options.verbosity !== 'silent') this.#say(`stagewatch: ${text}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#live[Symbol.dispose]();
  }

  #begin(step: SearchEvent & { type: 'plan' }): void {
    this.#running = { step, sinceMs: performance.now() };
    this.#requests = 0;
    this.#timer ??= setInterval(() => this.#draw(), TICK_MS).unref();
    this.#draw();
  }

  #end(trial: Trial): void {
    this.#running = undefined;
    const { verbosity } = this.#options;
    if (verbosity !== 'silent' && verbosity !== 'quiet')
      this.#say(`stagewatch: ${trialLine(trial, this.#options.tuned, this.#isPast)}\n`);
    this.#live.clear();
  }

  #draw(): void {
    if (!this.#running) return;
    const { step, sinceMs } = this.#running;
    const { trial, bracket, best = this.#best, runsLeft } = step;
    const elapsedMs = performance.now() - sinceMs;
    const parts = [
      `trial ${trial.number} (${trial.purpose}) ${pointText(trial.config, this.#options.tuned)}${elapsedMs < 1_000 ? '' : ` ${seconds(elapsedMs)}`}${this.#share(trial.config)}`,
      ...(bracket ? [`${flagName(bracket.name)} in ${bracket.low}..${bracket.high}`] : []),
      ...(best ? [`best ${count(best.qps)} req/s`] : []),
      `at most ${runsLeft} runs${this.#timeLeft(runsLeft, elapsedMs)} left`,
    ];
    this.#live.draw(printable(parts.join(' | '), 400));
  }

  #share({ numRequests, durationMs }: BenchmarkConfig): string {
    if (this.#requests === 0 || durationMs !== undefined) return '';
    return ` ${Math.min(100, Math.floor((this.#requests / numRequests) * 100))} %`;
  }

  /** By the slowest trial so far: it is an upper bound. */
  #timeLeft(runsLeft: number, elapsedMs: number): string {
    if (this.#tookMs.length === 0) return '';
    const leftMs = Math.max(...this.#tookMs) * runsLeft - elapsedMs;
    return leftMs > 0 ? `, ${seconds(leftMs)}` : '';
  }

  #saySetting(event: SessionEvent & { type: 'setting' }): void {
    const line = this.#options.verbosity === 'quiet' ? undefined : settingLine(event);
    if (line !== undefined) this.#say(`stagewatch: ${line}\n`);
  }

  #say(text: string): void {
    this.#live.aside(() => writeResult(2, text));
  }
}

/** As any follower reads it, in the old form. */
export function markerOf(event: SessionEvent): string | undefined {
  if (event.type === 'span-start') return formatStart(parseStage(event.stage));
  if (event.type === 'span-end') return formatEnd(parseStage(event.stage), event.durationMs);
  return undefined;
}

/** `trial 3 (narrow) ef_search=100 num_clients=20: 12,345 req/s, p99 0.560 ms, recall 0.9824`. */
function trialLine(trial: Trial, tuned: readonly ParameterName[], isPast: boolean): string {
  const { number, purpose, config, outcome } = trial;
  const what =
    outcome.state === 'measured'
      ? figures(outcome.result)
      : `failed: ${outcome.error.code}: ${printable(outcome.error.message.split('\n', 1)[0]!, 400)}`;
  const point = pointText(config, tuned);
  return `trial ${number}${purpose === 'grid' ? '' : ` (${purpose})`}${point === '' ? '' : ` ${point}`}: ${what}${isPast ? ' (from the session resumed)' : ''}`;
}

/** QPS, p99, and recall where there is one. */
export function figures({
  qps,
  latencyP99,
  recallAvg,
}: Pick<BenchmarkResult, 'qps' | 'latencyP99' | 'recallAvg'>): string {
  const recall = recallAvg === null ? '' : `, recall ${recallAvg.toFixed(4)}`;
  return `${count(qps)} req/s, p99 ${latencyP99.toFixed(3)} ms${recall}`;
}

/** `ef_search=100 num_clients=20`. */
export function pointText(config: BenchmarkConfig, tuned: readonly ParameterName[]): string {
  return tuned.map((name) => `${flagName(name)}=${valueOf(config, name) ?? 'default'}`).join(' ');
}

/** Whole seconds: a line that is drawn twice a second needs no more. */
function seconds(ms: number): string {
  return ms < 600_000 ? `${Math.round(ms / 1_000)} s` : duration(ms);
}

export function count(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
