import type { JournalLine } from '../session/events.ts';
import type { ReportTrial } from './report.ts';

/** The trials of a journal, in order, each with the span that it was. */
export function trialsOf(events: readonly JournalLine[]): ReportTrial[] {
  const trials = new Map<number, ReportTrial>();
  let open: ReportTrial | undefined;
  for (const event of events) {
    if (event.type === 'span-start' && open?.span === undefined && open?.stage === event.stage) {
      open = { ...open, span: event.span };
      trials.set(open.number, open);
      continue;
    }
    if (event.type !== 'trial') continue;
    if (event.state === 'started') {
      const { trial: number, purpose, stage, config } = event;
      open = { number, purpose, stage, config, state: 'open' };
      trials.set(number, open);
      continue;
    }
    const begun = trials.get(event.trial);
    if (begun === undefined) continue; // its start was lost with a line that cannot be read
    const { number, purpose, stage, config, span } = begun;
    const head = { number, purpose, stage, config, ...(span === undefined ? {} : { span }) };
    trials.set(
      number,
      event.state === 'measured'
        ? { ...head, state: 'measured', tookMs: event.tookMs, result: event.result }
        : { ...head, state: 'failed', tookMs: event.tookMs, code: event.code, message: event.message },
    );
    if (open?.number === number) open = undefined;
  }
  return [...trials.values()];
}
