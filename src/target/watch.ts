import type { Host } from './contract.ts';
import { type Candidate, type FindResult, type TargetQuery, findTargets } from './find.ts';
import type { LocalTarget } from './local-target.ts';

export interface TargetWatchOptions {
  readonly query: TargetQuery;
  readonly host: Host;
  /** All that are there at first, instead of exactly one. */
  readonly all?: boolean;
  /** Look once at the start; do not go on looking when there is nothing, nor when it is gone. */
  readonly once?: boolean;
  readonly found: (target: LocalTarget) => void;
  /** Its process is gone. */
  readonly lost: (target: LocalTarget) => void;
  /** Told when it is so at first, and when the one becomes the other; the message says what to do. */
  readonly trouble: (state: 'missing' | 'ambiguous', message: string) => void;
}

/** A read of one /proc/PID/stat: 20 µs. */
const lookEveryMs = 500;
/** A scan of /proc: some milliseconds. */
const searchAfterMs = { first: 250, most: 2_000 };

/** A server that is sought: the user's own query, or one that was there and is gone. */
interface Search {
  readonly query: TargetQuery;
  readonly all: boolean;
  /** That of the server that is gone, where the user meant no other. */
  readonly program?: string;
  /** It was there: that it is gone has been told. */
  readonly again: boolean;
  waitMs: number;
  timer?: NodeJS.Timeout;
}

/** Finds the server, notices its death and finds its successor: on the same port, else by its name. */
export class TargetWatch implements AsyncDisposable {
  readonly #options: TargetWatchOptions;
  readonly #targets = new Set<LocalTarget>();
  readonly #searches = new Set<Search>();
  #troubled: 'missing' | 'ambiguous' | undefined;
  #looking: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: TargetWatchOptions) {
    this.#options = options;
  }

  /** The servers that are there. */
  get targets(): readonly LocalTarget[] {
    return [...this.#targets];
  }

  /** Resolves after the first look; what is there has been told by then. */
  start(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#looking = setInterval(() => this.check(), lookEveryMs).unref();
    this.#search({
      query: this.#options.query,
      all: this.#options.all ?? false,
      again: false,
      waitMs: searchAfterMs.first,
    });
    return Promise.resolve();
  }

  /** Looks at once whether all are still there. */
  check(): void {
    for (const target of this.#targets) {
      if (this.#ended) return;
      if (target.isAlive()) continue;
      this.#targets.delete(target);
      this.#options.lost(target);
      if (!this.#options.once) this.#search(this.#successorOf(target));
    }
  }

  /** The same, and looks at once for those that are sought. */
  look(): void {
    this.check();
    for (const search of [...this.#searches]) {
      clearTimeout(search.timer);
      this.#search(search);
    }
  }

  /** Stops looking; nothing is told any more. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearInterval(this.#looking);
    for (const { timer } of this.#searches) clearTimeout(timer);
    this.#searches.clear();
    return Promise.resolve();
  }

  /** Another server may be there, on another port: that one is not meant. */
  #successorOf({ program, port }: LocalTarget): Search {
    const { query } = this.#options;
    const again: TargetQuery = port === undefined ? { by: 'name', names: [program] } : { by: 'port', port };
    // A user who named the port meant whatever listens there.
    return {
      query: again,
      all: false,
      again: true,
      ...(query.by === 'port' ? {} : { program }),
      waitMs: searchAfterMs.first,
    };
  }

  #search(search: Search): void {
    if (this.#ended) return;
    this.#searches.add(search);
    const result = findTargets(search.query, this.#options.host, { all: search.all });
    const fresh =
      result.state === 'found' ? result.targets.filter((target) => this.#isFresh(target, search)) : [];
    if (fresh.length > 0) {
      this.#searches.delete(search);
      this.#troubled = undefined;
      for (const target of fresh) {
        this.#targets.add(target);
        this.#options.found(target);
      }
      return;
    }
    if (!search.again) this.#tellTrouble(result);
    if (this.#options.once) return;
    search.timer = setTimeout(() => this.#search(search), search.waitMs).unref();
    search.waitMs = Math.min(search.waitMs * 2, searchAfterMs.most);
  }

  #isFresh(target: LocalTarget, { program }: Search): boolean {
    if (program !== undefined && target.program !== program) return false;
    return ![...this.#targets].some(
      ({ pid, startTicks }) => pid === target.pid && startTicks === target.startTicks,
    );
  }

  #tellTrouble(result: FindResult): void {
    const state = result.state === 'ambiguous' ? 'ambiguous' : 'missing';
    if (state === this.#troubled) return;
    this.#troubled = state;
    this.#options.trouble(state, troubleMessage(result));
  }
}

/** One line for a missing server; for several, one line each follows. */
export function troubleMessage(result: FindResult): string {
  if (result.state !== 'ambiguous') {
    const lookedFor = result.state === 'none' ? result.lookedFor : 'a server';
    return `Expected ${lookedFor}, found none; still looking. --server-port, --server-pid and --server-name say which one is meant`;
  }
  const lines = result.candidates.map((candidate) => `\n  ${describeCandidate(candidate)}`);
  return `Expected one process to profile, found ${result.candidates.length}: choose one by --server-port or --server-pid, or take --all-servers${lines.join('')}`;
}

function describeCandidate({ pid, port, commandLine }: Candidate): string {
  return `PID ${pid}, ${port === undefined ? 'no TCP port' : `port ${port}`}: ${commandLine}`;
}
