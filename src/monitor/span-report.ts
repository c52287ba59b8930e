import { join } from 'node:path';
import type { HookReport } from '../hook/host.ts';
import type { Capture } from '../hook/slot.ts';
import { writeWhole } from '../session/artifact-dir.ts';
import { msBetween } from '../session/clock.ts';
import type { HeldFolder } from '../session/held-folder.ts';
import { SESSION_FILES, spanFolder } from '../session/layout.ts';
import { stageLabel } from '../stage/stage.ts';
import type { EndedSpan } from '../stage/span.ts';

/** How much of a span a hook captured. */
export type Coverage =
  /** Share of the time between the markers' arrivals, 0..1, from acknowledged start to end of the capture. */
  | { readonly state: 'measured'; readonly ratio: number }
  /** The markers came late: what was captured is not the stage. */
  | { readonly state: 'unknown'; readonly reason: string }
  | { readonly state: 'none'; readonly reason: string };

/** What the hooks of one target left for a span. */
export interface TargetReport {
  readonly target: string;
  readonly pid?: number;
  readonly hooks: readonly HookReport[];
}

/** A warning that concerns a span, for its span.json. */
export interface SpanWarning {
  readonly code: string;
  readonly message: string;
  readonly hook?: string;
  readonly target?: string;
}

export function coverageOf(span: EndedSpan, capture: Capture | undefined): Coverage {
  if (capture === undefined) return { state: 'none', reason: 'the hook never saw this span' };
  if (capture.state === 'missed') return { state: 'none', reason: capture.reason };
  if (span.timing.state === 'late') return { state: 'unknown', reason: 'late-markers' };
  const fromNs = capture.startedNs > span.startNs ? capture.startedNs : span.startNs;
  const endedNs = capture.endedNs ?? span.endNs;
  const toNs = endedNs < span.endNs ? endedNs : span.endNs;
  const ratio = span.durationMs > 0 ? msBetween(fromNs, toNs) / msBetween(span.startNs, span.endNs) : 0;
  return { state: 'measured', ratio: Math.min(1, Math.max(0, ratio)) };
}

/** span.json: the span, and by target and hook what was captured of it. */
export async function writeSpanReport(
  session: HeldFolder,
  span: EndedSpan,
  targets: readonly TargetReport[],
  warnings: readonly SpanWarning[],
): Promise<void> {
  const folder = spanFolder(session.path, span.id, span.stage);
  await session.makeFolder(folder);
  const report = {
    version: 1,
    id: span.id,
    stage: stageLabel(span.stage),
    name: span.stage.name,
    ...(span.stage.tag === undefined ? {} : { tag: span.stage.tag }),
    source: span.source,
    state: span.state,
    startedAt: new Date(span.startedAt).toISOString(),
    startNs: Number(span.startNs),
    endNs: Number(span.endNs),
    durationMs: span.durationMs,
    ...(span.markerDurationMs === undefined ? {} : { markerDurationMs: span.markerDurationMs }),
    timing: span.timing,
    ...(span.attributes.length > 0 ? { attributes: span.attributes } : {}),
    targets: targets.map(({ target, pid, hooks }) => ({
      target,
      ...(pid === undefined ? {} : { pid }),
      hooks: Object.fromEntries(hooks.map((hook) => [hook.hook, describeHook(span, hook)])),
    })),
    warnings,
  };
  await writeWhole(
    session.place(join(folder, SESSION_FILES.span)),
    `${JSON.stringify(report, undefined, 2)}\n`,
  );
}

function describeHook(span: EndedSpan, { capture, facts, artifacts }: HookReport): object {
  return {
    coverage: coverageOf(span, capture),
    ...(capture?.state === 'captured'
      ? {
          startDelayMs: msBetween(span.startNs, capture.startedNs),
          ...(capture.endedNs === undefined ? {} : { stopDelayMs: msBetween(span.endNs, capture.endedNs) }),
        }
      : {}),
    ...facts,
    artifacts: artifacts.map(({ path, bytes }) => ({ path, bytes })),
  };
}
