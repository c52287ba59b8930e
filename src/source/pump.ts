import { MarkerScanner } from '../stage/scanner.ts';
import { isCode } from './errno.ts';
import type { Input, InputEvents } from './input.ts';
import { nowhere, openOutput, type Output } from './output.ts';
import type { Uplink } from './uplink.ts';

/** How long the last bytes may wait for a reader that has stopped reading, once we are told to stop, ms. */
const LAST_WRITE_MS = 1_000;

export interface PumpOptions {
  readonly openInput: (events: InputEvents) => Input;
  /** Where bytes go on to; undefined: nowhere. */
  readonly outputFd: number | undefined;
  readonly uplink: Uplink;
  /** Called for every read. */
  readonly touched: () => void;
  /** The input has ended, and all of it was passed on. */
  readonly ended: (error?: Error) => void;
}

const STREAM_NAMES: Readonly<Record<number, string>> = { 1: 'standard output', 2: 'standard error' };

/** Passes bytes from an input to an output as they are, and sends up the markers that it sees. tee's back-pressure. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #scanner = new MarkerScanner();
  readonly #output: Output;
  readonly #input: Input;
  #lastWasHistory = false;
  #waits: 'no' | 'for-reader' | 'for-main' = 'no';
  #inputOpen = true;
  #whenDrained: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#output = this.#openOutput();
    this.#input = options.openInput({
      bytes: (chunk, history) => this.#pass(chunk, history),
      truncated: () => this.#restart(),
      ended: (error) => this.#end(error),
    });
  }

  /** Bytes wait to be taken, so that no new ones can come. */
  isBusy(): boolean {
    return this.#waits !== 'no';
  }

  /** Reads no more, and resolves once what was read is handed on, or its reader has not taken it for a second. */
  async stop(): Promise<void> {
    this.#close();
    if (this.#waits !== 'for-reader') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_WRITE_MS);
      this.#whenDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #pass(chunk: Buffer, history: boolean): boolean {
    const atNs = process.hrtime.bigint();
    if (!this.#inputOpen) return false;
    this.#options.touched();
    this.#lastWasHistory = history;
    // Markers first: hooks wait for them, and the reader of the output does not.
    const markers = this.#scanner.scan(chunk);
    if (markers.length > 0) this.#options.uplink.batch({ markers, atNs, history });
    if (!this.#output.write(chunk)) this.#waits = 'for-reader';
    else if (!this.#options.uplink.isFree()) this.#waitForMain();
    return this.#waits === 'no';
  }

  #waitForMain(): void {
    this.#waits = 'for-main';
    this.#options.uplink.whenFree(() => this.#goOn());
  }

  #drained(): void {
    this.#whenDrained?.();
    if (this.#options.uplink.isFree()) this.#goOn();
    else this.#waitForMain();
  }

  #goOn(): void {
    this.#waits = 'no';
    if (this.#inputOpen) this.#input.resume();
  }

  #restart(): void {
    this.#sendLast();
    this.#options.uplink.notice(
      'truncated',
      'The file was truncated or rewritten: it is read from its start again.',
    );
  }

  #end(error?: Error): void {
    if (!this.#inputOpen) return;
    this.#close();
    this.#options.ended(error);
  }

  #close(): void {
    if (!this.#inputOpen) return;
    this.#inputOpen = false;
    this.#input.close();
    this.#sendLast();
  }

  /** The last line, which no line end closed. */
  #sendLast(): void {
    const markers = this.#scanner.end();
    const atNs = process.hrtime.bigint();
    if (markers.length > 0) this.#options.uplink.batch({ markers, atNs, history: this.#lastWasHistory });
  }

  #openOutput(): Output {
    const { outputFd, uplink } = this.#options;
    if (outputFd === undefined) return nowhere;
    const name = STREAM_NAMES[outputFd] ?? `descriptor ${outputFd}`;
    return openOutput(outputFd, {
      drained: () => this.#drained(),
      failed: (error) => {
        if (isCode(error, 'EPIPE', 'ECONNRESET'))
          uplink.notice(
            'reader-gone',
            `The reader of ${name} has gone: nothing is passed on any more, stages are still followed.`,
          );
        else
          uplink.notice(
            'output-failed',
            `Cannot write to ${name} (${error.message}): nothing is passed on any more, stages are still followed.`,
          );
      },
    });
  }
}
