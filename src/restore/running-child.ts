import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child, ChildEnd } from '../target/contract.ts';
import type { ProcessGroup } from './group.ts';

/** Between looks at a group whose leader has gone; members are nobody's children of ours, so nothing tells. */
const groupPollMs = 20;

/** A child that runs, or ran. */
export class RunningChild implements Child {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly stdio: readonly (Readable | Writable | null)[];
  readonly ended: Promise<ChildEnd>;
  readonly group: ProcessGroup;
  /** Resolves when nobody of its group is left; what it left behind in there must be ended first. */
  readonly gone: Promise<void>;
  #isGone: () => void = () => {};
  readonly #endSignal: NodeJS.Signals;
  #ending: Promise<ChildEnd> | undefined;

  constructor(
    argv: readonly string[],
    process: Pick<ChildProcess, 'once'> & { readonly stdio: readonly unknown[] },
    group: ProcessGroup,
    options: { readonly endSignal: NodeJS.Signals; readonly stdioLength: number },
  ) {
    this.pid = group.pid;
    this.argv = argv;
    this.group = group;
    this.#endSignal = options.endSignal;
    const streams = process.stdio as readonly (Readable | Writable | null)[];
    // A child may end at any moment, and its reader or writer learns of that through `ended`.
    for (const stream of streams) stream?.on('error', () => {});
    this.stdio = streams.slice(0, options.stdioLength);
    this.gone = new Promise((resolve) => (this.#isGone = resolve));
    // Not execa's own promise: that waits for the pipes, and a grandchild may hold them open for ever.
    this.ended = new Promise((resolve) => {
      process.once('exit', (exitCode, signal) => {
        group.leaderReaped();
        if (group.isEmpty()) this.#isGone();
        resolve(signal === null ? { state: 'exited', exitCode: exitCode ?? 0 } : { state: 'killed', signal });
      });
    });
  }

  get stdin(): Writable | null {
    return (this.stdio[0] as Writable | null | undefined) ?? null;
  }

  get stdout(): Readable | null {
    return (this.stdio[1] as Readable | null | undefined) ?? null;
  }

  get stderr(): Readable | null {
    return (this.stdio[2] as Readable | null | undefined) ?? null;
  }

  end(graceMs = 2000): Promise<ChildEnd> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  async #end(graceMs: number): Promise<ChildEnd> {
    for (const signal of new Set<NodeJS.Signals>([this.#endSignal, 'SIGTERM', 'SIGKILL'])) {
      if (this.group.isEmpty()) break;
      this.group.signal(signal);
      // A stopped process sees a signal only when it is continued.
      this.group.signal('SIGCONT');
      if (await this.#isGoneWithin(graceMs)) break;
    }
    this.#isGone();
    // Only a process that the kernel itself holds (state D) is still there; it dies when it is let go.
    return Promise.race([this.ended, sleep(0, { state: 'killed', signal: 'SIGKILL' } as const)]);
  }

  async #isGoneWithin(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    const timer = new AbortController();
    await Promise.race([this.ended, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
    while (!this.group.isEmpty()) {
      if (performance.now() >= deadline) return false;
      await sleep(groupPollMs);
    }
    return true;
  }
}

/** A program that could not be started. */
export class DeadChild implements Child {
  readonly pid = undefined;
  readonly argv: readonly string[];
  readonly stdio = [null, null, null];
  readonly stdin = null;
  readonly stdout = null;
  readonly stderr = null;
  readonly ended: Promise<ChildEnd>;

  constructor(argv: readonly string[], error: Promise<Error>) {
    this.argv = argv;
    this.ended = error.then((cause) => ({ state: 'not-started', error: cause }));
  }

  end(): Promise<ChildEnd> {
    return this.ended;
  }
}
