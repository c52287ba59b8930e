import type { EndedSpan } from '../stage/span.ts';

/** A run of trials leaves a moment between them: collecting begins only when nothing was watched for this long, ms. */
const QUIET_MS = 2_000;
/** With this many spans waiting, any moment in which nothing is open will do. */
const BACKLOG_SPANS = 2_000;

export interface BacklogOptions {
  /** Collects these spans; does not throw. */
  readonly collect: (spans: readonly EndedSpan[]) => Promise<void>;
  /** Holds up, and lets go on, what collects in the background. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly quietMs?: number;
}

/** Ended spans wait here until no watched span is open: symbolising and rendering never disturb what is measured. */
export class Backlog {
  readonly #options: BacklogOptions;
  readonly #quietMs: number;
  #waiting: EndedSpan[] = [];
  #open = 0;
  #timer: NodeJS.Timeout | undefined;
  #collecting: Promise<void> | undefined;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#quietMs = options.quietMs ?? QUIET_MS;
  }

  /** A watched span began. */
  opened(): void {
    if (this.#open++ > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#collecting) this.#options.pause();
  }

  /** A watched span ended. */
  closed(span: EndedSpan): void {
    this.#waiting.push(span);
    if (--this.#open > 0) return;
    if (this.#collecting) this.#options.resume();
    this.#schedule();
  }

  /** Is collecting held up, because a watched span is open? */
  get held(): boolean {
    return this.#open > 0;
  }

  /** Collects all that waits, now. No watched span may be open. */
  async drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#collecting;
    if (this.#waiting.length > 0) await this.#begin();
  }

  /** Collects nothing more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#timer || this.#collecting || this.#waiting.length === 0) return;
    const delayMs = this.#waiting.length >= BACKLOG_SPANS ? 0 : this.#quietMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#open === 0 && this.#waiting.length > 0) void this.#begin();
    }, delayMs);
    this.#timer.unref();
  }

  #begin(): Promise<void> {
    this.#collecting = this.#collect();
    return this.#collecting;
  }

  async #collect(): Promise<void> {
    const spans = this.#waiting;
    this.#waiting = [];
    await this.#options.collect(spans);
    this.#collecting = undefined;
    if (this.#open === 0) this.#schedule();
  }
}
