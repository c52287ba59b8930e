import type { JournalLine } from '../session/events.ts';
import type { ReportHook } from './report.ts';

type Growing = { -readonly [Key in keyof ReportHook]: ReportHook[Key] };

/** What became of each hook at each target, in order of appearance. */
export function hooksOf(events: readonly JournalLine[]): ReportHook[] {
  const rows = new Map<string, Growing>();
  const open = new Map<string, Set<number>>();
  for (const event of events) {
    if (event.type === 'session' && event.state === 'ended')
      for (const row of rows.values())
        if (row.state === 'armed' || row.state === 'capturing') row.state = 'finished';
    if (event.type !== 'hook' || event.state === 'missed') continue;
    const key = JSON.stringify([event.hook, event.target]);
    const row: Growing = rows.get(key) ?? {
      hook: event.hook,
      ...(event.target === undefined ? {} : { target: event.target }),
      state: 'armed',
      spans: 0,
    };
    rows.set(key, row);
    const capturing = open.get(key) ?? new Set<number>();
    open.set(key, capturing);
    switch (event.state) {
      case 'started':
        capturing.add(event.span);
        row.spans++;
        row.lastDelayMs = event.delayMs;
        row.maxDelayMs = Math.max(row.maxDelayMs ?? 0, event.delayMs);
        break;
      case 'stopped':
        capturing.delete(event.span);
        break;
      case 'armed':
      case 'finished':
      case 'failed':
      case 'unavailable':
        capturing.clear();
        row.state = event.state;
    }
    if (event.state === 'started' || event.state === 'stopped')
      row.state = capturing.size > 0 ? 'capturing' : 'armed';
  }
  return [...rows.values()];
}
