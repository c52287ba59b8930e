import { SessionFolder, startCli, TestFolder, type Ran, type Running } from './support.ts';

/** `stagewatch run --serve` of a benchmark that prints what the test tells it to: the test has all the time it needs. */
export class LiveRun implements AsyncDisposable {
  readonly #folder = new TestFolder();
  readonly #running: Running;
  #said = '';

  /** @param pid of the server that is profiled. */
  constructor(pid: number, flags: readonly string[], serve: readonly string[] = ['--serve']) {
    this.#running = startCli([
      ...['run', '--server-pid', String(pid), '--output-dir', this.#folder.path, ...flags, ...serve],
      ...['--', 'cat'],
    ]);
    this.#running.child.stderr!.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  /** The address that it printed. */
  async url(): Promise<URL> {
    await this.#running.said(/live page {2}\S+\n/);
    return new URL(/live page {2}(\S+)\n/.exec(this.#said)![1]!);
  }

  /** The benchmark runs: what is printed from now on is followed as it comes. */
  async started(): Promise<void> {
    await this.stage('warm-up', 1);
    await this.#running.said(/warm-up \S/);
  }

  begin(stage: string): void {
    this.#running.child.stdin!.write(`[STAGE:START] ${stage}\n`);
  }

  end(stage: string): void {
    this.#running.child.stdin!.write(`[STAGE:END] ${stage}\n`);
  }

  async stage(stage: string, ms = 300): Promise<void> {
    this.begin(stage);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.end(stage);
  }

  /** The benchmark ends; so does the session. */
  async finish(): Promise<{ ran: Ran; session: SessionFolder }> {
    this.#running.child.stdin!.end();
    const ran = await this.#running.ended;
    return { ran, session: new SessionFolder(this.#folder.path) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running.child.kill('SIGKILL');
    await this.#running.ended;
    this.#folder[Symbol.dispose]();
  }
}
