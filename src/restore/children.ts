import type { Writable } from 'node:stream';
import { execa } from 'execa';
import type { Child, ChildEnd, SpawnOptions } from '../target/contract.ts';
import { backgroundCommand, whyNotStartable } from './background.ts';
import { childEnvironment } from './environment.ts';
import { ProcessGroup } from './group.ts';
import { Guard } from './guard.ts';
import { DeadChild, RunningChild } from './running-child.ts';
import { readStat } from './stat.ts';

/** For the journal: what was started must be found again after a crash. */
export interface ChildEvents {
  started?(child: {
    readonly pid: number;
    readonly startTicks: number;
    readonly argv: readonly string[];
  }): void;
  ended?(child: { readonly pid: number; readonly end: ChildEnd }): void;
  /** The guard died twice: if we are killed by SIGKILL now, children are left behind. */
  guardLost?(): void;
}

/** execa takes any descriptor, but its types know 3 to 9 only. */
type ExecaStdio = ['ignore' | 'pipe', 'ignore' | 'pipe', 'ignore' | 'pipe', ...('ignore' | 'pipe')[]];

/** All programs that we start. Each has a process group of its own; none outlives us. */
export class Children implements AsyncDisposable {
  readonly #events: ChildEvents;
  readonly #guard: Guard;
  /** Until the whole group has gone. */
  readonly #running = new Set<RunningChild>();
  readonly #background = new WeakSet<RunningChild>();
  /** Children that wait for a line before they begin. */
  readonly #held = new Map<RunningChild, Writable>();
  #paused = false;
  #closed = false;

  constructor(events: ChildEvents = {}) {
    this.#events = events;
    this.#guard = new Guard(() => this.#events.guardLost?.());
  }

  /** Of the guard's shell, while there is one. */
  get guardPid(): number | undefined {
    return this.#guard.pid;
  }

  /**
   * Read its pipes from the same turn on: what nobody reads by then is thrown away, so that no child is held up by
   * a full pipe. `ended` tells of the process; its pipes may hold more by then, so read them to their end.
   * @throws never: `ended` says why it did not start.
   */
  spawn(argv: readonly string[], options: SpawnOptions = {}): Child {
    if (this.#closed)
      return new DeadChild(
        argv,
        Promise.resolve(new Error(`stagewatch is ending: ${argv[0]} was not started`)),
      );
    const { background = false, endSignal = 'SIGTERM' } = options;
    const env = childEnvironment(options.env);
    const stdio = stdioOf(options);
    const obstacle = background ? whyNotStartable(argv[0] ?? '', options, env['PATH'] ?? '') : undefined;
    if (obstacle !== undefined) return new DeadChild(argv, Promise.resolve(obstacle));
    const command = background ? backgroundCommand(argv, stdio.length, this.#paused) : { argv };
    const [file = '', ...args] = command.argv;

    this.#guard.ensure();
    const spawned = execa(file, args, {
      stdio: (command.goDescriptor === undefined ? stdio : [...stdio, 'pipe']) as ExecaStdio,
      env,
      extendEnv: false,
      detached: true,
      cleanup: false,
      buffer: false,
      reject: false,
      stripFinalNewline: false,
      encoding: 'buffer',
      // Ours are signalled as groups; execa's own forced kill would reach the leader alone.
      forceKillAfterDelay: false,
      killSignal: endSignal,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const { pid } = spawned;
    const startTicks = pid === undefined ? undefined : readStat(pid)?.startTicks;
    if (pid === undefined || startTicks === undefined)
      return new DeadChild(
        argv,
        spawned.then(reasonOf, (error: unknown) => reasonOf({ cause: error })),
      );

    this.#guard.add({ pid, startTicks, signal: endSignal });
    const group = new ProcessGroup(pid, startTicks);
    const child = new RunningChild(argv, spawned, group, { endSignal, stdioLength: stdio.length });
    if (background) this.#background.add(child);
    if (command.goDescriptor !== undefined)
      this.#held.set(child, spawned.stdio[command.goDescriptor] as unknown as Writable);
    this.#running.add(child);
    this.#events.started?.({ pid, startTicks, argv });
    void this.#follow(child);
    return child;
  }

  /** How many that collect still run. */
  get backgroundCount(): number {
    return [...this.#running].filter((child) => this.#background.has(child)).length;
  }

  /** Stops what collects, at once: a span begins. */
  pauseBackground(): void {
    this.#paused = true;
    for (const child of this.#running) if (this.#background.has(child)) child.group.signal('SIGSTOP');
  }

  resumeBackground(): void {
    this.#paused = false;
    for (const go of this.#held.values()) go.end('go\n');
    this.#held.clear();
    for (const child of this.#running) if (this.#background.has(child)) child.group.signal('SIGCONT');
  }

  /** Ends all of them, what they left behind in their groups too, and then the guard. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running].map((child) => child.end()));
    await this.#guard[Symbol.asyncDispose]();
  }

  async #follow(child: RunningChild): Promise<void> {
    this.#events.ended?.({ pid: child.pid, end: await child.ended });
    await child.gone;
    this.#running.delete(child);
    this.#held.delete(child);
    this.#guard.delete(child.pid);
  }
}

function stdioOf({ stdio = [] }: SpawnOptions): ('ignore' | 'pipe' | number)[] {
  const [stdin = 'ignore', stdout = 'pipe', stderr = 'pipe', ...more] = stdio;
  return [stdin, stdout, stderr, ...more];
}

function reasonOf(result: object): Error {
  if ('cause' in result && result.cause instanceof Error) return result.cause;
  return result instanceof Error ? result : new Error('it could not be started');
}
