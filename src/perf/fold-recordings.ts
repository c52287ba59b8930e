import type { EndedSpan } from '../stage/span.ts';
import type { Target } from '../target/contract.ts';
import type { FoldedSpan, FoldSummary } from './fold-job.ts';
import { foldPerfData, type FoldRequest } from './fold-run.ts';
import { repairPerfData } from './repair.ts';

/** What this needs of a hook's context. */
export interface FoldContext {
  readonly target: Target;
  readonly dir: { readonly path: string; existing(name: string): Promise<{ readonly path: string }> };
  warn(warning: { readonly code: string; readonly message: string; readonly fails?: boolean }): void;
}

export interface FoldedRecordings extends FoldSummary {
  /** What the span got, and the recording that it is in, as the session's folder calls it. */
  of(span: EndedSpan): (FoldedSpan & { readonly perfData?: string }) | undefined;
}

/**
 * Gives each span its stacks out of these recordings, which are repaired where their perf was killed. What cannot be
 * read is told to the user, and the rest counts. @throws as foldPerfData.
 */
export async function foldRecordings(ctx: FoldContext, request: FoldRequest): Promise<FoldedRecordings> {
  const { target, dir } = ctx;
  for (const file of request.perfData) {
    const repair = await repairPerfData(file);
    if (repair.state === 'hopeless')
      ctx.warn({ code: 'perf-data-unreadable', message: `${file}: ${repair.reason}`, fails: true });
  }
  const summary = await foldPerfData(target, request);
  for (const error of summary.errors) ctx.warn({ code: 'perf-script-failed', message: error, fails: true });
  const recordings = await Promise.all(
    request.perfData.map((file) => dir.existing(file.slice(dir.path.length + 1))),
  );
  const byId = new Map(summary.spans.map((folded) => [folded.id, folded]));
  return {
    ...summary,
    of: (span) => {
      const folded = byId.get(span.id);
      const perfData = recordings[folded?.input ?? -1]?.path;
      return folded && { ...folded, ...(perfData !== undefined && { perfData }) };
    },
  };
}

/** Shorter spans may hold nothing and be whole all the same. */
const mustCaptureMs = 50;

/** @param message what is missing, and why. */
export function nothingCaptured(
  span: EndedSpan,
  message: string,
): { code: string; span: EndedSpan; message: string; fails: boolean } {
  return { code: 'nothing-captured', span, message, fails: span.durationMs >= mustCaptureMs };
}
