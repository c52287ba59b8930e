import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { MissingError, StagewatchError, UsageError, messageOf } from '../error.ts';
import { isCode } from './errno.ts';
import { IdleWatch } from './idle.ts';
import { ReadableInput, SocketInput, type InputEvents, type Input } from './input.ts';
import type { ChildWorkerOptions, WireEnd } from './messages.ts';
import { makePipes } from './pipes.ts';
import { Pump } from './pump.ts';
import { toWire, type Uplink } from './uplink.ts';

/** A grandchild may keep the outputs open after the benchmark: after so much silence they are left to it, ms. */
const HELD_OPEN_MS = 1_000;

/** The benchmark and its two outputs. They are pumped independently: a stalled reader of one does not stall the other. */
export class FollowedChild {
  readonly #options: ChildWorkerOptions;
  readonly #uplink: Uplink;
  readonly #idle: IdleWatch;
  #silence: IdleWatch | undefined;
  #child: ChildProcess | undefined;
  #pumps: Pump[] = [];
  #openOutputs = 0;
  #exit: WireEnd | undefined;
  #ended = false;

  constructor(options: ChildWorkerOptions, uplink: Uplink) {
    this.#options = options;
    this.#uplink = uplink;
    this.#idle = new IdleWatch(
      options.idleTimeoutMs,
      () => this.#isBusy(),
      () => void this.end({ state: 'idle' }),
    );
    try {
      this.#start();
    } catch (error) {
      this.#fail(error);
    }
  }

  kill(signal: NodeJS.Signals): void {
    // Node sends nothing once the process was reaped, when its PID may be another's.
    this.#child?.kill(signal);
  }

  /** The first reason wins. */
  async end(end: WireEnd): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#idle.close();
    this.#silence?.close();
    await Promise.all(this.#pumps.map((pump) => pump.stop()));
    this.#uplink.ended(end);
  }

  #start(): void {
    const { argv, cwd, env, passThrough } = this.#options;
    const [program, ...args] = argv;
    if (program === undefined || program === '')
      throw new UsageError('no-command', 'Expected a command to run after --, got none.');
    const pipes = makePipes(2);
    let child: ChildProcess;
    try {
      const stdio: StdioOptions = ['inherit', pipes?.[0]?.writeFd ?? 'pipe', pipes?.[1]?.writeFd ?? 'pipe'];
      child = spawn(program, args, { stdio, env: { ...env }, ...(cwd !== undefined && { cwd }) });
    } finally {
      for (const { writeFd } of pipes ?? []) closeSync(writeFd);
    }
    this.#child = child;
    child.on('error', (error) => {
      if (child.pid === undefined) this.#fail(error);
    });
    child.on('exit', (exitCode, signal) => this.#exited(exitCode, signal));
    this.#pumps = [1, 2].map((fd) => {
      const readFd = pipes?.[fd - 1]?.readFd;
      const open = (events: InputEvents): Input =>
        readFd === undefined
          ? new ReadableInput((fd === 1 ? child.stdout : child.stderr) as Readable, events)
          : new SocketInput(readFd, events);
      this.#openOutputs++;
      return new Pump({
        openInput: open,
        outputFd: passThrough ? fd : undefined,
        uplink: this.#uplink,
        touched: () => this.#touch(),
        ended: () => this.#outputEnded(),
      });
    });
    if (child.pid !== undefined) this.#uplink.started(child.pid);
  }

  #touch(): void {
    this.#idle.touch();
    this.#silence?.touch();
  }

  #isBusy(): boolean {
    return this.#pumps.some((pump) => pump.isBusy());
  }

  #outputEnded(): void {
    this.#openOutputs--;
    if (this.#exit && this.#openOutputs === 0) void this.end(this.#exit);
  }

  #exited(exitCode: number | null, signal: NodeJS.Signals | null): void {
    const exit: WireEnd = signal ? { state: 'killed', signal } : { state: 'exited', exitCode: exitCode ?? 0 };
    this.#exit = exit;
    if (this.#openOutputs === 0) return void this.end(exit);
    this.#silence = new IdleWatch(
      HELD_OPEN_MS,
      () => this.#isBusy(),
      () => {
        this.#uplink.notice(
          'output-held-open',
          'The benchmark has ended, but a process that it started holds its output open: it is not followed any more.',
        );
        void this.end(exit);
      },
    );
  }

  #fail(error: unknown): void {
    void this.end({ state: 'failed', error: toWire(explain(error, this.#options)) });
  }
}

function explain(error: unknown, { argv, cwd }: ChildWorkerOptions): Error {
  const program = argv[0];
  if (error instanceof StagewatchError) return error;
  if (isCode(error, 'ENOENT', 'ENOTDIR') && cwd !== undefined && !isFolder(cwd))
    return new UsageError('no-such-folder', `Expected the folder of the benchmark to exist, got "${cwd}".`);
  if (isCode(error, 'ENOENT', 'ENOTDIR'))
    return new MissingError(
      'no-such-command',
      `Cannot start "${program}": there is no such program. Is its path right?`,
    );
  if (isCode(error, 'EACCES'))
    return new UsageError('not-executable', `Cannot start "${program}": it is not executable. Try chmod +x.`);
  return new StagewatchError('cannot-start', `Cannot start "${program}": ${messageOf(error)}.`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
