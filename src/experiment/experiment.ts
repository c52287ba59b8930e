import { join } from 'node:path';
import type { Driver, RunObserver } from '../bench/driver.ts';
import { BenchmarkError } from '../bench/error.ts';
import { messageOf } from '../error.ts';
import type { MonitorSummary, OnEvent } from '../monitor/options.ts';
import type {
  Measure,
  ParameterName,
  PlannedTrial,
  Search,
  SearchAnswer,
  SearchEvent,
  Trial,
} from '../search/contract.ts';
import { replay } from '../search/replay.ts';
import { AppendFile } from '../session/append-file.ts';
import { writeWhole } from '../session/artifact-dir.ts';
import { SESSION_FILES } from '../session/layout.ts';
import { processEvents } from '../session/process-events.ts';
import { stageLabel } from '../stage/stage.ts';
import { inMonitor, type FollowOptions } from './in-monitor.ts';
import type { Journal, Preparation } from './preparation.ts';
import { stageOfTrial } from './stage-of-trial.ts';
import { answerData, trialEnded, trialStarted } from './trial-data.ts';
import { trialHead, trialRow } from './trial-rows.ts';
import type { Room } from './trial-source.ts';

export interface ExperimentOptions {
  readonly driver: Driver;
  /** Makes the search; it ends with what it has when the signal aborts. */
  readonly search: (measure: Measure, signal: AbortSignal) => Search;
  /** What stands in the tag of each trial's stage. */
  readonly tuned: readonly ParameterName[];
  /** Made before the first trial, in this order; put back in the other. */
  readonly preparations: readonly ((journal: Journal) => Promise<Preparation>)[];
  /** Trials of a session that this one goes on with: not run again. */
  readonly past: readonly Trial[];
}

/** What those who watch an experiment are told beside the session's events, as it happens. */
export interface ExperimentView {
  readonly onEvent: OnEvent;
  /** A trial that has ended comes after it is journalled. */
  readonly onStep: (step: SearchEvent, stage: string) => void;
  readonly run?: RunObserver;
}

export interface ExperimentEnd {
  /** Undefined when it was stopped before it began. */
  readonly answer: SearchAnswer | undefined;
  readonly summary: MonitorSummary;
}

/**
 * Runs a search: the load of every trial is a stage that the hooks of `follow` profile; the trial is in the journal and in
 * results.csv as it ends, and starts with the server as it wants it. Whatever happens, the server is put back.
 * @throws {UsageError} for what the benchmark cannot run, or a session folder that cannot be made.
 */
export async function runExperiment(
  options: ExperimentOptions,
  follow: FollowOptions,
  view: ExperimentView,
): Promise<ExperimentEnd> {
  let folder = '';
  let answer: SearchAnswer | undefined;
  const onEvent: OnEvent = (event, atNs) => {
    if (event.type === 'session' && event.state === 'started') folder = event.folder;
    view.onEvent(event, atNs);
  };
  const work = async (room: Room): Promise<void> => {
    await using rows = await AppendFile.open(join(folder, SESSION_FILES.results), (error) =>
      room.tell({ type: 'warning', code: 'results-not-written', message: error.message, fails: true }),
    );
    rows.append(trialHead.trimEnd());
    answer = await new Trials(options, room, view, rows).run();
    const data = answerData(answer);
    room.tell({ type: 'answer', answer: data });
    await writeWhole(join(folder, SESSION_FILES.answer), `${JSON.stringify(data, undefined, 2)}\n`);
  };
  const summary = await inMonitor(work, follow, onEvent);
  return { answer, summary };
}

class Trials {
  readonly #options: ExperimentOptions;
  readonly #room: Room;
  readonly #view: ExperimentView;
  readonly #rows: AppendFile;
  readonly #prepared: Preparation[] = [];
  #planned: PlannedTrial | undefined;
  /** Whether the planned trial was run by us; else it is one of the past. */
  #isLive = false;

  constructor(options: ExperimentOptions, room: Room, view: ExperimentView, rows: AppendFile) {
    this.#options = options;
    this.#room = room;
    this.#view = view;
    this.#rows = rows;
  }

  async run(): Promise<SearchAnswer> {
    const { preparations, past, search } = this.#options;
    try {
      for (const prepare of preparations) this.#prepared.push(await prepare(this.#room.journal));
      const steps = search(replay(past, this.#measure), this.#room.signal);
      for (;;) {
        const step = await steps.next();
        if (step.done) return step.value;
        this.#take(step.value);
      }
    } finally {
      await this.#putBack();
    }
  }

  readonly #children = processEvents((event) => this.#room.tell(event));

  #measure: Measure = async (config) => {
    const { driver, tuned } = this.#options;
    const stage = stageOfTrial(config, tuned);
    this.#isLive = true;
    const command = driver.commandLine(config);
    if (this.#planned) this.#room.tell(trialStarted(this.#planned, stageLabel(stage), { command }));
    const startedMs = performance.now();
    try {
      for (const preparation of this.#prepared) await preparation.before(config);
      const { signal } = this.#room;
      return await this.#room.stage(stage, (window) =>
        driver.run(config, signal, { ...this.#view.run, ...window, children: this.#children }),
      );
    } catch (error) {
      // The search forgets a run that was cut short: the journal says what became of it.
      if (this.#room.signal.aborted) this.#cutShort(performance.now() - startedMs);
      throw error;
    }
  };

  #cutShort(tookMs: number): void {
    if (!this.#planned) return;
    const error = new BenchmarkError('aborted', 'the run was cut short');
    this.#room.tell(
      trialEnded({ ...this.#planned, tookMs, outcome: { state: 'failed', error, attempt: 1 } }),
    );
  }

  #take(step: SearchEvent): void {
    if (step.type === 'plan') {
      this.#planned = step.trial;
      this.#isLive = false;
    }
    const stage =
      step.type === 'warning' ? '' : stageLabel(stageOfTrial(step.trial.config, this.#options.tuned));
    if (step.type === 'trial') {
      if (!this.#isLive) this.#room.tell(trialStarted(step.trial, stage, { past: true }));
      this.#room.tell(trialEnded(step.trial));
      this.#rows.append(trialRow(step.trial, stage).trimEnd());
    } else if (step.type === 'warning') {
      this.#room.tell(step);
    }
    this.#view.onStep(step, stage);
  }

  /** The last change first. One that cannot be put back is no reason to leave the others. */
  async #putBack(): Promise<void> {
    for (const preparation of this.#prepared.reverse())
      try {
        await preparation[Symbol.asyncDispose]();
      } catch (error) {
        this.#room.tell({ type: 'warning', code: 'not-restored', message: messageOf(error), fails: true });
      }
  }
}
