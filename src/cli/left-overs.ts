import { fileURLToPath } from 'node:url';
import type { Children } from '../restore/children.ts';
import { monotonicNs } from '../session/clock.ts';
import type { SessionEvent } from '../session/events.ts';
import { passwordVariables, type Secret } from '../valkey/credentials.ts';
import type { View } from './view.ts';

/** After the session's start: what is profiled comes first, ms. */
const beginAfterMs = 500;
/** The latest so many sessions are looked at; `stagewatch clean` looks at all. */
const lookAtSessions = 200;

export interface LeftOverOptions {
  readonly outputDir: string;
  /** What is told of what was done: a notice. */
  readonly tell: View['onEvent'];
  /** Of the servers whose settings are put back, if it is not in the environment. */
  readonly password?: Secret | undefined;
}

/**
 * What killed sessions left in the output folder, put right by another stagewatch beside this one: niced, and standing
 * still while a watched span is open. Disposing ends it; the next start goes on.
 */
export class LeftOvers implements AsyncDisposable {
  readonly #options: LeftOverOptions;
  readonly #open = new Set<number>();
  #children: Children | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: LeftOverOptions) {
    this.#options = options;
  }

  /** Settings and processes only, at once: what a new experiment measures and puts back must be the server's own. */
  async putBackFirst(): Promise<void> {
    await this.#clean(['--no-collect'], false);
  }

  onEvent = (event: SessionEvent): void => {
    if (event.type === 'session' && event.state === 'started') this.#begin();
    else if (event.type === 'span-start' && event.watched && this.#open.add(event.span).size === 1)
      this.#children?.pauseBackground();
    else if (event.type === 'span-end' && this.#open.delete(event.span) && this.#open.size === 0)
      this.#children?.resumeBackground();
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#children?.[Symbol.asyncDispose]();
    await this.#work;
  }

  #begin(): void {
    this.#timer = setTimeout(() => {
      // It is no part of the session: whatever goes wrong there is said by `stagewatch clean`.
      this.#work = this.#clean([], true).catch(() => {});
    }, beginAfterMs);
    this.#timer.unref();
  }

  async #clean(flags: readonly string[], background: boolean): Promise<void> {
    const { outputDir, tell } = this.#options;
    const { findSessions } = await import('../leftovers/find.ts');
    const left = (await findSessions(outputDir, lookAtSessions)).filter(
      ({ writer, isEnded }) => writer === 'gone' && !isEnded,
    );
    if (left.length === 0 || this.#closed) return;
    const { Children } = await import('../restore/children.ts');
    const { LocalHost } = await import('../target/local-host.ts');
    const { run } = await import('../perf/run.ts');
    if (this.#closed) return;
    this.#children ??= new Children();
    if (this.#open.size > 0) this.#children.pauseBackground();
    const program = fileURLToPath(new URL('./main.js', import.meta.url));
    const { stdout } = await run(
      new LocalHost(this.#children),
      [process.execPath, program, 'clean', '--brief', ...flags, '--', ...left.map(({ folder }) => folder)],
      { env: this.#environment(), background },
    );
    const line = stdout.trim();
    if (line !== '') tell({ type: 'notice', code: 'left-overs', message: line }, monotonicNs());
  }

  /** Children see no passwords but those that they need. */
  #environment(): Record<string, string> {
    const { password } = this.#options;
    const given = passwordVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      ...Object.fromEntries(given),
      ...(password === undefined ? {} : { [passwordVariables[0]]: password.reveal() }),
    };
  }
}
