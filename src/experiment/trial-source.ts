import type { SessionEvent } from '../session/events.ts';
import { monotonicNs, msBetween } from '../session/clock.ts';
import type { SessionSink, Source, SourceEnd } from '../source/contract.ts';
import { formatStart } from '../stage/emitter.ts';
import type { Marker } from '../stage/marker.ts';
import type { Stage } from '../stage/stage.ts';

/** When a stage begins and ends, as its work says. */
export interface StageWindow {
  /** START; resolves when all hooks have acknowledged it. Call it once; work that ends without it has no stage. */
  begin(): Promise<void>;
  /** END, where it is open; resolves when all hooks have acknowledged it. */
  end(): Promise<void>;
}

/** What an experiment may do while the monitor follows it. */
export interface Room {
  /** Aborts when the experiment has to end. */
  readonly signal: AbortSignal;
  /**
   * Runs the work, a part of which is a stage: a server that was restarted is found and its hooks armed, then the work says
   * when its stage begins and ends. One that it leaves open ends with it, however that ends.
   * Stages of one experiment come one after the other.
   * @throws {UsageError} for a stage name that no marker can carry, before anything is done; what the work throws.
   */
  stage<T>(stage: Stage, work: (window: StageWindow) => Promise<T>): Promise<T>;
  /** Into the journal, and to all who watch. */
  tell(event: SessionEvent): void;
  /** The same; resolves once it is on disk. */
  journal(event: SessionEvent): Promise<void>;
}

/** A benchmark run by ourselves, followed as any other: its stages are markers, but none has to be read first. */
export class TrialSource implements Source {
  readonly id = 'trials';
  readonly ended: Promise<SourceEnd>;
  readonly #work: (room: Room) => Promise<void>;
  readonly #stop = new AbortController();
  #settle: (end: SourceEnd) => void = () => {};
  #started = false;

  /** @param work the experiment; when it throws, the source has failed with that. */
  constructor(work: (room: Room) => Promise<void>) {
    this.#work = work;
    this.ended = new Promise((resolve) => (this.#settle = resolve));
  }

  start(sink: SessionSink): Promise<void> {
    this.#started = true;
    void this.#run(sink).then(this.#settle);
    return Promise.resolve();
  }

  /** Resolves when the work has ended: what it started and changed is gone by then. */
  async stop(): Promise<void> {
    this.#stop.abort();
    if (!this.#started) this.#settle({ state: 'stopped' });
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(sink: SessionSink): Promise<SourceEnd> {
    try {
      await this.#work(roomOf(sink, this.#stop.signal));
      return { state: this.#stop.signal.aborted ? 'stopped' : 'eof' };
    } catch (thrown) {
      return { state: 'failed', error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
    }
  }
}

function roomOf(sink: SessionSink, signal: AbortSignal): Room {
  const mark = (marker: Marker): bigint => {
    const atNs = monotonicNs();
    sink.batch({ markers: [marker], atNs, history: false });
    return atNs;
  };
  return {
    signal,
    tell: (event) => sink.event(event),
    journal: async (event) => {
      sink.event(event);
      await sink.saved();
    },
    stage: async (stage, work) => {
      formatStart(stage); // refuses what no follower could read
      await sink.ready();
      let startNs: bigint | undefined;
      const end = (): void => {
        if (startNs === undefined) return;
        const durationMs = msBetween(startNs, monotonicNs());
        startNs = undefined;
        mark({ kind: 'end', stage, attributes: [], durationMs });
      };
      try {
        return await work({
          begin: async () => {
            startNs = mark({ kind: 'start', stage, attributes: [] });
            await sink.settled();
          },
          end: async () => {
            end();
            await sink.settled();
          },
        });
      } finally {
        end();
      }
    },
  };
}
