import { openSync } from 'node:fs';
import { UsageError, messageOf } from '../error.ts';
import { LogView } from './log.ts';
import type { MonitorFlags } from './monitor-flags.ts';
import { ServeView } from './serve-view.ts';
import { NdjsonView, type TextView, type View } from './view.ts';

/** NDJSON on standard error takes the place of words there. */
export async function viewsOf(
  { events, verbose, serve }: Pick<MonitorFlags, 'events' | 'verbose' | 'serve'>,
  text: TextView,
): Promise<EventView[]> {
  const page = serve === undefined ? [] : [new ServeView(serve, (line) => text.line(line))];
  if (events === true) return [new NdjsonView(2), ...page];
  return [
    text,
    ...page,
    ...(verbose ? [await LogView.open()] : []),
    ...(events === undefined ? [] : [new NdjsonView(eventsFd(events))]),
  ];
}

/** What is told of all that happens. */
export type EventView = View | (Pick<View, 'onEvent'> & AsyncDisposable);

/** All views are told of everything. */
export class Views implements AsyncDisposable {
  readonly #views: readonly EventView[];

  constructor(views: readonly EventView[]) {
    this.#views = views;
  }

  onEvent = (...event: Parameters<View['onEvent']>): void => {
    for (const view of this.#views) view.onEvent(...event);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const view of this.#views)
      if (Symbol.asyncDispose in view) await view[Symbol.asyncDispose]();
      else view[Symbol.dispose]();
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
