import { WorkerSource } from './worker-source.ts';

export interface ChildOptions {
  /** Program and arguments: no shell reads them. */
  readonly argv: readonly string[];
  /** Its folder; ours by default. */
  readonly cwd?: string;
  /** Its environment; ours by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Pass its outputs on to our own, byte for byte; true by default. */
  readonly passThrough?: boolean;
  /** End when it printed nothing for so long, ms. It is not killed. */
  readonly idleTimeoutMs?: number;
}

/**
 * A benchmark that we start: in our process group, so that a terminal's Ctrl-C reaches it, with our standard input. Its
 * standard output and error are one source. `stop` only stops following; `kill` ends the benchmark.
 */
export class ChildSource extends WorkerSource {
  /** Settles once it runs; undefined when it could not be started. */
  readonly pid: Promise<number | undefined>;
  #settlePid: (pid: number | undefined) => void = () => {};

  constructor(options: ChildOptions) {
    const { argv, cwd, env = process.env, passThrough = true, idleTimeoutMs } = options;
    super('child', new URL('./child-worker.js', import.meta.url), {
      source: 'child',
      argv: [...argv],
      env: { ...env },
      passThrough,
      ...(cwd !== undefined && { cwd }),
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    });
    this.pid = new Promise((resolve) => {
      this.#settlePid = resolve;
    });
    void this.ended.then(() => this.#settlePid(undefined));
  }

  /** Sends a signal while it runs; afterwards nothing, since its PID may be another process by then. */
  kill(signal: NodeJS.Signals): void {
    this.post({ type: 'kill', signal });
  }

  protected override onPid(pid: number): void {
    this.#settlePid(pid);
  }
}
