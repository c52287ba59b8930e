import type { BenchmarkConfig } from '../bench/config.ts';
import type { Driver, RunObserver } from '../bench/driver.ts';
import { BenchmarkError } from '../bench/error.ts';
import { messageOf } from '../error.ts';
import type { TrialOutcome } from '../search/contract.ts';
import { processEvents } from '../session/process-events.ts';
import { stageLabel, type Stage } from '../stage/stage.ts';
import type { Journal, Preparation } from './preparation.ts';
import { trialEnded, trialStarted } from './trial-data.ts';
import type { Room } from './trial-source.ts';

export interface StepOptions {
  readonly driver: Driver;
  /** Made before the first step, in this order; put back in the other. */
  readonly preparations: readonly ((journal: Journal) => Promise<Preparation>)[];
  readonly observer?: RunObserver;
}

/** Runs of a benchmark that follow a list and no search: each is a stage, and in the journal as a trial. */
export class Steps {
  readonly room: Room;
  readonly #options: StepOptions;
  readonly #prepared: readonly Preparation[];
  #number = 0;

  constructor(options: StepOptions, room: Room, prepared: readonly Preparation[]) {
    this.#options = options;
    this.room = room;
    this.#prepared = prepared;
  }

  get signal(): AbortSignal {
    return this.room.signal;
  }

  /** Makes the server as the run wants it; `run` does that too. */
  async prepare(config: BenchmarkConfig): Promise<void> {
    for (const preparation of this.#prepared) await preparation.before(config);
  }

  /** @throws {UsageError} for what the benchmark cannot run. A run that failed is an outcome. */
  async run(stage: Stage, config: BenchmarkConfig): Promise<TrialOutcome> {
    const { driver, observer } = this.#options;
    const trial = { number: ++this.#number, purpose: 'sweep', config } as const;
    const startedMs = performance.now();
    this.room.tell(trialStarted(trial, stageLabel(stage), { command: driver.commandLine(config) }));
    let outcome: TrialOutcome;
    try {
      await this.prepare(config);
      const result = await this.room.stage(stage, (window) =>
        driver.run(config, this.signal, {
          ...observer,
          ...window,
          children: processEvents((event) => this.room.tell(event)),
        }),
      );
      outcome = { state: 'measured', result };
    } catch (error) {
      if (!(error instanceof BenchmarkError)) throw error;
      outcome = { state: 'failed', error, attempt: 1 };
    }
    this.room.tell(trialEnded({ ...trial, outcome, tookMs: performance.now() - startedMs }));
    return outcome;
  }
}

/** Runs the work with the server prepared, and puts it back whatever becomes of the work. @throws what the work throws. */
export async function runSteps<T>(
  options: StepOptions,
  room: Room,
  work: (steps: Steps) => Promise<T>,
): Promise<T> {
  const prepared: Preparation[] = [];
  try {
    for (const prepare of options.preparations) prepared.push(await prepare(room.journal));
    return await work(new Steps(options, room, prepared));
  } finally {
    await putBack(prepared, room);
  }
}

/** The last one first. One that cannot be put back is told, and is no reason to leave the others. */
export async function putBack(changed: readonly AsyncDisposable[], room: Pick<Room, 'tell'>): Promise<void> {
  for (const one of changed.toReversed())
    try {
      await one[Symbol.asyncDispose]();
    } catch (error) {
      room.tell({ type: 'warning', code: 'not-restored', message: messageOf(error), fails: true });
    }
}
