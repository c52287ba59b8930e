import { UsageError } from '../error.ts';
import { stacksIn } from '../perf/flame-tree.ts';
import { artifactsOf, readArtifact } from './artifacts.ts';
import { factOf, type Report, type ReportSpan } from './report.ts';

/** What an exporter is given: a session, and those of its spans that are wanted. */
export interface ExportSource {
  readonly report: Report;
  readonly spans: readonly ReportSpan[];
}

/** The stacks of one span at one target. */
export interface SpanProfile {
  readonly span: ReportSpan;
  readonly target: string;
  readonly kind: 'on-CPU' | 'off-CPU';
  readonly unit: 'samples' | 'µs';
  /** Of samples: the time that one stands for, ns; undefined where the frequency is not known. */
  readonly periodNs: number | undefined;
  readonly stacks: readonly { readonly stack: readonly string[]; readonly weight: number }[];
}

/**
 * The spans of a number, a stage (`vec-query:ef_100`) or a stage's name (`vec-query`); all without.
 * @throws {UsageError} unknown-span
 */
export function chooseSpans(report: Report, wanted: string | undefined): readonly ReportSpan[] {
  if (wanted === undefined) return report.spans;
  const byNumber = report.spans.filter(({ id }) => /^\d+$/.test(wanted) && id === Number(wanted));
  const byStage = report.spans.filter(({ stage }) => stage === wanted);
  const byName = report.spans.filter(({ stage }) => stage.split(':', 1)[0] === wanted);
  const chosen = [byNumber, byStage, byName].find((spans) => spans.length > 0);
  if (chosen !== undefined) return chosen;
  const known = [...new Set(report.spans.map(({ stage }) => stage))].slice(0, 10).join(', ');
  throw new UsageError(
    'unknown-span',
    `Expected --span to be 1 to ${report.spans.length} or a stage${known === '' ? '' : ` (${known})`}, got "${wanted}"`,
  );
}

/** On-CPU and off-CPU stacks, span after span; spans without stacks are passed over. */
export async function* profilesOf({ report, spans }: ExportSource): AsyncIterable<SpanProfile> {
  for (const span of spans)
    for (const kind of ['on-CPU', 'off-CPU'] as const)
      for (const artifact of artifactsOf(span, kind === 'on-CPU' ? 'stacks.folded' : 'offcpu.folded')) {
        const text = await readArtifact(report.session.folder, artifact);
        const stacks = [...stacksIn(text ?? '')];
        if (stacks.length === 0) continue;
        const frequency = factOf(span, 'perf-record', 'frequency');
        const periodNs =
          kind === 'on-CPU' && frequency !== undefined && frequency > 0 ? 1e9 / frequency : undefined;
        yield {
          span,
          target: artifact.target,
          kind,
          unit: kind === 'on-CPU' ? 'samples' : 'µs',
          periodNs,
          stacks,
        };
      }
}

/** `3 vec-query:ef_100 localhost-6379 on-CPU`. */
export function profileName({ span, target, kind }: SpanProfile): string {
  return `${span.id} ${span.stage} ${target} ${kind}`;
}
