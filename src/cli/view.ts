import type { SessionEvent } from '../session/events.ts';
import { StatusOutput } from './output.ts';
import { duration, printable } from './text.ts';

/** Renders events; decides nothing. */
export interface View extends Disposable {
  onEvent(event: SessionEvent, atNs: bigint): void;
}

export type Verbosity = 'quiet' | 'normal' | 'verbose';

/** Span lines a second on a log that floods; the rest are counted. */
const LINES_A_SECOND = 20;

const COLOURS = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

/** One line of words for each thing that a person wants to know. */
export class TextView implements View {
  readonly #out = new StatusOutput(2);
  readonly #verbosity: Verbosity;
  readonly #colour: boolean;
  /** Facts of the open spans' hooks, until the span's line is written. */
  readonly #started = new Map<number, { hook: string; delayMs: number }[]>();
  readonly #told = new Set<string>();
  #window = { second: 0, lines: 0, left: 0 };

  constructor(verbosity: Verbosity, colour: boolean) {
    this.#verbosity = verbosity;
    this.#colour = colour;
  }

  onEvent(event: SessionEvent): void {
    const line = this.#lineOf(event);
    if (line === undefined) return;
    if ((event.type === 'span-start' || event.type === 'span-end') && !this.#admit()) return;
    this.line(line);
  }

  line(text: string): void {
    this.#out.write(`${this.#paint('dim', 'stagewatch:')} ${text}\n`);
  }

  /** A block of text as it is: tables. */
  block(text: string): void {
    this.#out.write(`${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#out[Symbol.dispose]();
  }

  #lineOf(event: SessionEvent): string | undefined {
    if (event.type === 'warning') {
      // One kind of trouble in a thousand spans is one line here; the journal has all of them.
      const key =
        event.span === undefined ? `${event.code} ${event.message}` : `${event.code} ${event.hook ?? ''}`;
      const first = !this.#told.has(key);
      this.#told.add(key);
      if (!first && this.#verbosity !== 'verbose') return undefined;
      const where = event.span === undefined ? '' : `span ${event.span}: `;
      return this.#paint(
        event.fails ? 'red' : 'yellow',
        `${event.code}: ${where}${printable(event.message, 600)}`,
      );
    }
    if (event.type === 'hook') {
      const target = 'target' in event && event.target !== undefined ? ` on ${event.target}` : '';
      if (event.state === 'failed' || event.state === 'unavailable') {
        const mend = event.mend === undefined ? '' : `; try: ${event.mend}`;
        return this.#paint(
          'red',
          `hook ${event.hook}${target} ${event.state === 'failed' ? 'failed' : 'cannot run'}: ${printable(event.reason, 600)}${mend}`,
        );
      }
      if (this.#verbosity === 'quiet') return undefined;
      if (event.state === 'armed') return `${event.hook} armed${target} in ${duration(event.tookMs)}`;
      if (event.state === 'started') {
        const known = this.#started.get(event.span) ?? [];
        known.push(event);
        this.#started.set(event.span, known);
      }
      return undefined;
    }
    if (event.type === 'target' && (event.state === 'missing' || event.state === 'ambiguous'))
      return this.#paint(
        'yellow',
        event.message
          .split('\n')
          .map((line) => printable(line, 400))
          .join('\n'),
      );
    if (this.#verbosity === 'quiet') return undefined;
    switch (event.type) {
      case 'session':
        return event.state === 'started' ? `session ${event.folder}` : undefined;
      case 'notice':
        return printable(event.message, 600);
      case 'target':
        return event.state === 'found' || event.state === 'lost'
          ? `${event.program} (pid ${event.pid}${event.port === undefined ? '' : `, port ${event.port}`}) ${event.state === 'found' ? 'found' : 'is gone; looking for it'}`
          : undefined;
      case 'span-start':
        return this.#verbosity === 'verbose' ? `${printable(event.stage)} began` : undefined;
      case 'span-end':
        return this.#spanLine(event);
      case 'orphan-end':
        return this.#paint('yellow', `${printable(event.stage)}: an end without a start`);
      case 'collecting':
        return this.#verbosity === 'verbose' ? `collecting ${event.spans} spans` : undefined;
      default:
        return undefined;
    }
  }

  #spanLine(event: SessionEvent & { type: 'span-end' }): string | undefined {
    const hooks = this.#started.get(event.span);
    this.#started.delete(event.span);
    if (!event.watched && this.#verbosity !== 'verbose') return undefined;
    const how = event.history ? 'already in the log' : this.#delays(hooks ?? []);
    const state = event.state === 'unfinished' ? this.#paint('yellow', ' unfinished') : '';
    const took = event.history && event.durationMs === 0 ? '' : duration(event.durationMs);
    return `${this.#paint('bold', printable(event.stage))} ${took}${state}${how === '' ? '' : `  ${this.#paint('dim', how)}`}`;
  }

  /** From marker to capture: the slowest hook, or all of them. */
  #delays(hooks: readonly { hook: string; delayMs: number }[]): string {
    const slowest = hooks.reduce((max, { delayMs }) => Math.max(max, delayMs), 0);
    if (this.#verbosity !== 'verbose')
      return hooks.length === 0 ? '' : `hooks capture after ${slowest.toFixed(1)} ms`;
    return hooks.map(({ hook, delayMs }) => `${hook} +${delayMs.toFixed(1)} ms`).join(', ');
  }

  /** Keeps a flood of stages from flooding the terminal. */
  #admit(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#window.second) {
      if (this.#window.left > 0) this.line(`and ${this.#window.left} more span lines; the journal has them`);
      this.#window = { second, lines: 0, left: 0 };
    }
    if (++this.#window.lines <= LINES_A_SECOND) return true;
    this.#window.left++;
    return false;
  }

  #paint(colour: keyof typeof COLOURS, text: string): string {
    return this.#colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  }
}

/** Every event as one line of JSON, as in the journal. */
export class NdjsonView implements View {
  readonly #out: StatusOutput;

  constructor(fd: number) {
    this.#out = new StatusOutput(fd);
  }

  onEvent(event: SessionEvent, atNs: bigint): void {
    this.#out.write(`${JSON.stringify({ t: new Date().toISOString(), monoNs: Number(atNs), ...event })}\n`);
  }

  [Symbol.dispose](): void {
    this.#out[Symbol.dispose]();
  }
}
