import type { ChangeEvent, Changed } from './changes.ts';

/** Something that a journal says was changed, and not that it was put back. */
export interface OpenChange extends Omit<Changed, 'to'> {
  /** All that it was changed to, the last one last; it may not have come to that. */
  readonly tos: readonly string[];
  /** When it was changed first: CLOCK_MONOTONIC, ns. */
  readonly changedNs: number;
}

/** Those whose last event is not `restored`, the last change first: the order in which they are put back. */
export function openChanges(events: Iterable<ChangeEvent & { readonly monoNs: number }>): OpenChange[] {
  const open = new Map<
    string,
    { readonly first: ChangeEvent & { readonly monoNs: number }; readonly tos: Set<string> }
  >();
  for (const event of events) {
    const key = JSON.stringify([event.server, event.setting, event.thread?.startTicks]);
    if (event.state === 'restored') {
      open.delete(key);
      continue;
    }
    const known = open.get(key) ?? { first: event, tos: new Set<string>() };
    // The last one stands last.
    known.tos.delete(event.to);
    known.tos.add(event.to);
    open.set(key, known);
  }
  return [...open.values()].toReversed().map(({ first, tos }) => ({
    setting: first.setting,
    from: first.from,
    tos: [...tos],
    changedNs: first.monoNs,
    ...(first.server === undefined ? {} : { server: first.server }),
    ...(first.thread === undefined ? {} : { thread: first.thread }),
    ...(first.command === undefined ? {} : { command: first.command }),
  }));
}
