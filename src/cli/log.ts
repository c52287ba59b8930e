import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import type { SessionEvent } from '../session/events.ts';
import { StatusOutput } from './output.ts';
import type { View } from './view.ts';

/** What happens inside, for --verbose: programs started and ended, hooks, artifacts. JSON, or pretty on a terminal. */
export class LogView implements View {
  readonly #out: StatusOutput;
  readonly #log: Logger;

  private constructor(out: StatusOutput, log: Logger) {
    this.#out = out;
    this.#log = log;
  }

  /** Loaded only for --verbose. */
  static async open(): Promise<LogView> {
    const { pino } = await import('pino');
    // Not pino's own destination: that would wait for a reader that stalls, on the thread that waits for markers.
    const out = new StatusOutput(2);
    const write = (line: string): void => out.write(line);
    const options = { level: 'debug', base: null };
    if (!isatty(2)) return new LogView(out, pino(options, { write }));
    const { prettyFactory } = await import('pino-pretty');
    const colorize = process.env['NO_COLOR'] === undefined;
    const pretty = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l' });
    return new LogView(out, pino(options, { write: (line) => write(pretty(line)) }));
  }

  onEvent(event: SessionEvent): void {
    if (event.type === 'process') this.#log.debug(event, `process ${event.state}`);
    else if (event.type === 'hook') this.#log.debug(event, `hook ${event.hook} ${event.state}`);
    else if (event.type === 'collected')
      for (const artifact of event.artifacts) this.#log.debug(artifact, 'artifact');
    else if (event.type === 'target') this.#log.debug(event, `target ${event.state}`);
  }

  [Symbol.dispose](): void {
    this.#out[Symbol.dispose]();
  }
}
