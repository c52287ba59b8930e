import { openSync } from 'node:fs';
import { UsageError, messageOf } from '../error.ts';
import { LogView } from './log.ts';
import type { MonitorFlags } from './monitor-flags.ts';
import { NdjsonView, type View } from './view.ts';

/** NDJSON on standard error takes the place of words there. */
export async function viewsOf(
  { events, verbose }: Pick<MonitorFlags, 'events' | 'verbose'>,
  text: View,
): Promise<View[]> {
  if (events === true) return [new NdjsonView(2)];
  return [
    text,
    ...(verbose ? [await LogView.open()] : []),
    ...(events === undefined ? [] : [new NdjsonView(eventsFd(events))]),
  ];
}

/** All views are told of everything. */
export class Views implements Disposable {
  readonly #views: readonly View[];

  constructor(views: readonly View[]) {
    this.#views = views;
  }

  onEvent = (...event: Parameters<View['onEvent']>): void => {
    for (const view of this.#views) view.onEvent(...event);
  };

  [Symbol.dispose](): void {
    for (const view of this.#views) view[Symbol.dispose]();
  }
}

function eventsFd(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (cause) {
    throw new UsageError(
      'events-file',
      `Expected --events to be a file that can be written, got "${file}": ${messageOf(cause)}`,
      { cause },
    );
  }
}
