import { formatEnd, formatStart } from '../stage/emitter.ts';
import type { Stage } from '../stage/stage.ts';

/** Takes one marker, without line end; whoever follows the benchmark reads it there. */
export type MarkerSink = (line: string) => void;

/**
 * A stage that is open from the moment it is made until it is disposed of: `using` or `await using` end it however its
 * block is left. Ending it twice prints one marker.
 */
export class OpenStage implements Disposable, AsyncDisposable {
  readonly #stage: Stage;
  readonly #print: MarkerSink;
  readonly #startedMs: number;
  #ended = false;

  /** @throws {UsageError} unreadable-marker, for a name or tag that a follower would read as something else. */
  constructor(stage: Stage, print: MarkerSink) {
    const start = formatStart(stage);
    this.#stage = stage;
    this.#print = print;
    this.#startedMs = performance.now();
    print(start);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#print(formatEnd(this.#stage, performance.now() - this.#startedMs));
  }

  [Symbol.dispose](): void {
    this.end();
  }

  /** Ends it at once: there is nothing to wait for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }
}
