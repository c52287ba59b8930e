import type { Readable, Writable } from 'node:stream';
import { StagewatchError } from '../error.ts';

/**
 * The control pipe of an armed perf (`--control fd:3,4`): one line out, `ack` back. Commands are sent one after the
 * other. After a missing acknowledgement the channel is broken for good: a late one would be taken for the next.
 */
export class ControlChannel {
  readonly #commands: Writable;
  readonly #timeoutMs: number;
  #last: Promise<void> = Promise.resolve();
  #settle: ((broken?: StagewatchError) => void) | undefined;
  /** Acknowledgements that are still to come. */
  #awaited = 0;
  #broken: StagewatchError | undefined;

  /**
   * @param commands perf reads it, @param acks perf writes it
   * @param timeoutMs for one acknowledgement
   */
  constructor(commands: Writable, acks: Readable, timeoutMs = 2_000) {
    this.#commands = commands;
    this.#timeoutMs = timeoutMs;
    // perf answers "ack\n\0"; the newline is what counts.
    acks.on('data', (chunk: Buffer) => {
      this.#awaited -= newlinesIn(chunk);
      if (this.#awaited <= 0) this.#settle?.();
    });
    const gone = (cause?: Error): void =>
      this.#break(new StagewatchError('perf-ended', 'perf closed its control pipe', { cause }));
    acks.on('close', () => gone());
    acks.on('error', gone);
    commands.on('error', gone);
  }

  /** Capture has begun when it resolves. @param event only that one; all events without it. */
  enable(event?: string): Promise<void> {
    return this.send(event === undefined ? 'enable\n' : `enable ${event}\n`);
  }

  /** Capture has ended when it resolves. */
  disable(event?: string): Promise<void> {
    return this.send(event === undefined ? 'disable\n' : `disable ${event}\n`);
  }

  /** Resolves when perf is in its main loop: it is armed. */
  ping(timeoutMs?: number): Promise<void> {
    return this.send('ping\n', timeoutMs);
  }

  /**
   * @param lines with their newlines; several are carried out without a pause, each acknowledged.
   * @throws StagewatchError `perf-no-ack`, or `perf-ended`.
   */
  send(lines: string, timeoutMs = this.#timeoutMs): Promise<void> {
    const sent = this.#last.then(() => this.#exchange(lines, timeoutMs));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  #exchange(lines: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      const timer = setTimeout(
        () =>
          this.#break(
            new StagewatchError(
              'perf-no-ack',
              `perf did not acknowledge "${lines.trim()}" in ${timeoutMs} ms`,
            ),
          ),
        timeoutMs,
      );
      this.#settle = (broken) => {
        clearTimeout(timer);
        this.#settle = undefined;
        if (broken) reject(broken);
        else resolve();
      };
      this.#awaited = newlinesIn(lines);
      this.#commands.write(lines);
    });
  }

  #break(error: StagewatchError): void {
    this.#broken ??= error;
    this.#settle?.(this.#broken);
  }
}

function newlinesIn(text: string | Buffer): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
