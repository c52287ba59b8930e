import { Worker } from 'node:worker_threads';
import { MissingError, StagewatchError, UsageError } from '../error.ts';
import type { Source, SourceEnd, SourceSink } from './contract.ts';
import {
  weightOf,
  type FromWorker,
  type ToWorker,
  type WireEnd,
  type WireError,
  type WorkerStart,
} from './messages.ts';

/** A worker that cannot leave a system call is not waited for any longer, ms. */
const STOP_MS = 3_000;

/** A source whose bytes are moved by a worker thread; markers, notices and the end come here. */
export class WorkerSource implements Source {
  readonly id: string;
  readonly ended: Promise<SourceEnd>;
  readonly #script: URL;
  readonly #options: WorkerStart['options'];
  readonly #inFlight = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  #worker: Worker | undefined;
  #held = false;
  #sink: SourceSink | undefined;
  #early: FromWorker[] = [];
  #started: Promise<void> = Promise.resolve();
  #settle: (end: SourceEnd) => void = () => {};
  #isEnded = false;
  #exited: Promise<void> = Promise.resolve();

  /** @param script the compiled worker. */
  constructor(id: string, script: URL, options: WorkerStart['options']) {
    this.id = id;
    this.#script = script;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async start(sink: SourceSink): Promise<void> {
    this.launch();
    this.#sink = sink;
    for (const message of this.#early.splice(0)) this.#take(message, sink);
    await this.#started;
  }

  /** Starts the worker. What it says before `start` waits for the sink; a flood waits in the worker, and so in the pipe. */
  protected launch({ hold = false } = {}): void {
    if (this.#isEnded) return;
    if (this.#worker) {
      if (this.#held && !hold) this.post({ type: 'go' });
      this.#held &&= hold;
      return;
    }
    this.#held = hold;
    const start: WorkerStart = { options: this.#options, inFlight: this.#inFlight, hold };
    const worker = new Worker(this.#script, {
      workerData: start,
      // Else Node opens the process's own streams in this thread, and so makes an inherited pipe non-blocking.
      stdout: true,
      stderr: true,
      // Else Node closes at the worker's end what its sockets have closed before: by then another file of ours.
      trackUnmanagedFds: false,
    });
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.#started = new Promise((resolve) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'started' || message.type === 'ended') resolve();
        if (this.#sink) this.#take(message, this.#sink);
        else this.#early.push(message);
      });
      void this.ended.then(() => resolve());
    });
    worker.on('error', (error) => this.#end({ state: 'failed', error: toError(error) }));
    worker.on('exit', () => {
      // An end that still waits for its sink is not a death.
      if (this.#early.some(({ type }) => type === 'ended')) return;
      this.#end({
        state: 'failed',
        error: new StagewatchError('worker-died', `The reader of ${this.id} has died.`),
      });
    });
  }

  async stop(): Promise<void> {
    if (!this.#sink) this.#end({ state: 'stopped' });
    this.post({ type: 'stop' });
    const timer = setTimeout(() => this.#end({ state: 'stopped' }), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS);
    });
    await Promise.race([this.#exited, tooLong]);
    clearTimeout(timer);
  }

  /** For sources that start a process. */
  protected onPid(_pid: number): void {}

  protected post(message: ToWorker): void {
    if (!this.#isEnded) this.#worker?.postMessage(message);
  }

  #take(message: FromWorker, sink: SourceSink): void {
    if (message.type === 'batch') Atomics.sub(new Int32Array(this.#inFlight), 0, weightOf(message.batch));
    if (this.#isEnded) return;
    if (message.type === 'started' && message.pid !== undefined) this.onPid(message.pid);
    if (message.type === 'batch') sink.batch(message.batch);
    else if (message.type === 'notice') sink.notice(message.notice);
    else if (message.type === 'ended') this.#end(fromWire(message.end));
  }

  #end(end: SourceEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#settle(end);
    this.#worker?.unref();
    void this.#worker?.terminate();
  }
}

function fromWire(end: WireEnd): SourceEnd {
  return end.state === 'failed' ? { state: 'failed', error: revive(end.error) } : end;
}

function revive({ kind, code, message }: WireError): Error {
  if (kind === 'usage') return new UsageError(code, message);
  if (kind === 'missing') return new MissingError(code, message);
  return new StagewatchError(code, message);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new StagewatchError('worker-died', String(thrown));
}
