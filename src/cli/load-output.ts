import { writeFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { UsageError, messageOf } from '../error.ts';
import type { LoadEvent } from '../load/events.ts';
import type { LoadResult } from '../load/result.ts';
import { formatEnd, formatStart } from '../stage/emitter.ts';
import type { Stage } from '../stage/stage.ts';
import { quietText, resultJson, resultRow, resultText, type LoadState } from './load-text.ts';
import { writeResult } from './output.ts';
import { duration } from './text.ts';

export interface LoadOutputOptions {
  readonly json?: string | true;
  readonly csv?: string;
  readonly hdr?: string;
  readonly quiet: boolean;
}

const BAR = 24;

/** Writes each result as soon as it is there, so that a later failure loses none. */
export class LoadOutput {
  readonly #options: LoadOutputOptions;
  readonly #results: { readonly result: LoadResult; readonly state: LoadState }[] = [];

  constructor(options: LoadOutputOptions) {
    this.#options = options;
  }

  async add(result: LoadResult, state: LoadState): Promise<void> {
    const { json, csv, hdr, quiet } = this.#options;
    this.#results.push({ result, state });
    if (json !== true) writeResult(1, quiet ? quietText(result, state) : `${resultText(result, state)}\n`);
    if (typeof json === 'string') writeFile('--json', json, this.#json());
    if (csv !== undefined) {
      const { stringify } = await import('csv-stringify/sync');
      const rows = this.#results.map((entry) => resultRow(entry.result, entry.state));
      // A custom command may begin with =, and would become a formula in a spreadsheet.
      writeFile('--csv', csv, stringify(rows, { header: true, quoted_string: true, escape_formulas: true }));
    }
    if (hdr !== undefined) {
      const { formatHdrLog } = await import('../load/hdr-log.ts');
      writeFile('--hdr', hdr, formatHdrLog(this.#results.map((entry) => entry.result)));
    }
  }

  /** @param error why there are no more results. */
  finish(error?: { readonly code: string; readonly message: string }): void {
    const { json } = this.#options;
    if (json === true) writeResult(1, this.#json(error));
    else if (json !== undefined && error) writeFile('--json', json, this.#json(error));
  }

  #json(error?: { readonly code: string; readonly message: string }): string {
    const results = this.#results.map(({ result, state }) => resultJson(result, state));
    const whole = {
      version: 1,
      results,
      ...(error && { error: { code: error.code, message: error.message } }),
    };
    return `${JSON.stringify(whole, undefined, 2)}\n`;
  }
}

function writeFile(flag: string, path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new UsageError(
      'output-file',
      `Expected ${flag} to be a file that can be written, got "${path}": ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** What is seen while a load runs: markers where they are asked for, and a progress bar on a terminal. */
export class LoadProgress implements Disposable {
  readonly #stage: Stage | undefined;
  readonly #showsBar: boolean;
  #startedMs: number | undefined;
  #hasBar = false;

  constructor(stage: Stage | undefined, quiet: boolean) {
    this.#stage = stage;
    this.#showsBar = !quiet && isatty(2);
  }

  onEvent(event: LoadEvent): void {
    switch (event.type) {
      case 'started':
        this.#startedMs = performance.now();
        if (this.#stage) this.#line(formatStart(this.#stage));
        return;
      case 'ended':
        return this.#end(event.durationMs);
      case 'warming-up':
        return this.#bar(`${event.name}  warming up`);
      case 'waiting':
        return this.#bar(event.message);
      case 'progress': {
        const filled = Math.round(event.done * BAR);
        const rate = event.replies / Math.max(0.001, event.elapsedMs / 1000);
        const left =
          event.done > 0.01 ? `  ${duration((event.elapsedMs / event.done) * (1 - event.done))} left` : '';
        const errors = event.errors > 0 ? `  ${event.errors} errors` : '';
        this.#bar(
          `${event.name.slice(0, 30)} [${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${Math.floor(event.done * 100)} %  ${Math.round(rate)} req/s${errors}${left}`,
        );
      }
    }
  }

  /** A load that failed ends its stage too: an open span would take in what comes next. */
  [Symbol.dispose](): void {
    if (this.#startedMs !== undefined) this.#end(performance.now() - this.#startedMs);
    this.#clear();
  }

  #end(durationMs: number): void {
    this.#startedMs = undefined;
    if (this.#stage) this.#line(formatEnd(this.#stage, Math.max(0, durationMs)));
  }

  #line(text: string): void {
    this.#clear();
    writeResult(2, `${text}\n`);
  }

  #bar(text: string): void {
    if (!this.#showsBar) return;
    const width = Math.max(20, (process.stderr.columns || 80) - 1);
    writeResult(2, `\r\u001b[K${text.slice(0, width)}`);
    this.#hasBar = true;
  }

  #clear(): void {
    if (this.#hasBar) writeResult(2, '\r\u001b[K');
    this.#hasBar = false;
  }
}
