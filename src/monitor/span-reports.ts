import type { SessionEvent } from '../session/events.ts';
import type { HeldFolder } from '../session/held-folder.ts';
import type { EndedSpan } from '../stage/span.ts';
import { writeSpanReport, type SpanWarning, type TargetReport } from './span-report.ts';

/** Shorter spans without a capture are not worth an exit code, ms. */
export const EMPTY_SPAN_MS = 50;

/** Writes span.json of spans whose hooks have been collected, with the warnings that concerned them. */
export class SpanReports {
  readonly #session: HeldFolder;
  readonly #warnings = new Map<number, SpanWarning[]>();
  #expected = 0;
  #written = 0;

  constructor(session: HeldFolder) {
    this.#session = session;
  }

  /** Profiled spans that have ended, but have no report yet. */
  get missing(): number {
    return this.#expected - this.#written;
  }

  see(event: SessionEvent): void {
    if (event.type === 'span-end' && event.watched && event.late !== 'one-read') this.#expected++;
    if (event.type !== 'warning' || event.span === undefined) return;
    const { code, message, hook, target } = event;
    const warning = {
      code,
      message,
      ...(hook === undefined ? {} : { hook }),
      ...(target === undefined ? {} : { target }),
    };
    const known = this.#warnings.get(event.span);
    if (known) known.push(warning);
    else this.#warnings.set(event.span, [warning]);
  }

  async write(span: EndedSpan, targets: readonly TargetReport[]): Promise<void> {
    const warnings = this.#warnings.get(span.id) ?? [];
    this.#warnings.delete(span.id);
    this.#written++;
    await writeSpanReport(this.#session, span, targets, warnings);
  }
}

/** Which hooks captured nothing of a span that was long enough, and why. */
export function emptyHooks(
  span: EndedSpan,
  targets: readonly TargetReport[],
): { target: string; hook: string; reason: string }[] {
  if (span.durationMs < EMPTY_SPAN_MS) return [];
  return targets.flatMap(({ target, hooks }) =>
    hooks.flatMap(({ hook, capture }) =>
      capture?.state === 'missed' ? [{ target, hook, reason: capture.reason }] : [],
    ),
  );
}
