import type { EndedSpan } from '../stage/span.ts';
import type { Host, Target } from '../target/contract.ts';
import { runInBackground } from './background.ts';
import type { FoldJob, FoldSummary, SwitchCapture } from './fold-job.ts';
import { scriptCommand } from './script-text.ts';

export interface FoldRequest {
  readonly perfData: readonly string[];
  readonly spans: readonly EndedSpan[];
  /** Absolute path of a span's stacks.folded. */
  foldedPath(span: EndedSpan): string;
  /** The recordings hold samples of all processes: see FoldJob. */
  readonly ofAll?: boolean;
  /** Of recordings with the switches of threads: then waits are folded, in µs. In order of time. */
  readonly captures?: readonly SwitchCapture[];
}

/**
 * One pass of `perf script` over each perf.data gives every span its stacks, in one background child.
 * @throws StagewatchError `background-failed`; what fails for one perf.data alone is told in `errors`.
 */
export function foldPerfData(target: Target, request: FoldRequest): Promise<FoldSummary> {
  const isHere = target.command(['perf'])[0] === 'perf';
  const job: FoldJob = {
    target: { program: target.program, pid: target.pid },
    inputs: request.perfData.map((perfData) => ({
      perfData,
      script: target.command(scriptCommand(perfData, request.captures !== undefined)),
    })),
    // Through /proc the files of a target in a container are found, and of one that was replaced on disk.
    ...(isHere && { root: target.isAlive() ? `/proc/${target.pid}/root` : '' }),
    spans: request.spans.map((span) => ({
      id: span.id,
      startNs: String(span.startNs),
      endNs: String(span.endNs),
      folded: request.foldedPath(span),
    })),
    ...(request.ofAll && { ofAll: true }),
    ...(request.captures && { captures: request.captures }),
  };
  return runInBackground<FoldSummary>(target satisfies Host, 'fold-main', job);
}
