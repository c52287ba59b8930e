import { nothingMeasured, type Measured } from './measure.ts';
import { mergeReports } from './merge.ts';
import { addressText, type LoadOptions } from './options.ts';
import type { ServerFacts } from './preflight.ts';
import { mergeRecall } from './recall.ts';
import type { BaseRtt, LoadResult, LoadWarning } from './result.ts';
import type { ThreadReport } from './thread-plan.ts';

/** The reports of all threads as one result. @throws {LoadError} nothing-measured */
export function toResult(
  options: LoadOptions,
  measured: Measured,
  rest: {
    readonly facts: ServerFacts;
    readonly baseRtt: BaseRtt;
    readonly warnings: readonly LoadWarning[];
    readonly indexReadyMs?: number;
  },
): LoadResult {
  const { reports, startedAt, durationMs } = measured;
  const merged = mergeReports(reports);
  const sum = (of: (report: ThreadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const requests = sum(({ replies }) => replies);
  const errorCount = merged.errors.reduce((total, { count }) => total + count, 0);
  const partial = reports.some((report) => report.partial);
  if (requests === 0) throw nothingMeasured(options.work.name);
  const { facts, baseRtt, warnings, indexReadyMs } = rest;
  return {
    name: options.work.name,
    loop: options.rps === undefined ? 'closed' : 'open',
    server: { address: addressText(options.server), program: facts.program, version: facts.version },
    clients: options.clients,
    threads: options.threads,
    pipeline: options.pipeline,
    startedAt,
    durationMs,
    requests,
    throughput: (requests - errorCount) / (durationMs / 1000),
    operations: merged.operations,
    latency: merged.latency,
    errors: merged.errors,
    errorCount,
    redirected: sum(({ redirected }) => redirected),
    recall: mergeRecall(reports.flatMap(({ work }) => work.recall ?? [])),
    baseRtt,
    series: merged.series,
    open:
      options.rps === undefined
        ? null
        : { rps: options.rps, late: sum(({ late }) => late), unsent: sum(({ unsent }) => unsent) },
    partial,
    warnings: [...warnings, ...warningsOf(options, facts, measured)],
    ...(indexReadyMs !== undefined && { indexReadyMs }),
    histograms: merged.histograms,
  };
}

function warningsOf({ cluster }: LoadOptions, facts: ServerFacts, { reports }: Measured): LoadWarning[] {
  const redirected = reports.reduce((sum, report) => sum + report.redirected, 0);
  const warnings: LoadWarning[] = [];
  if (facts.isCluster && !cluster && redirected > 0)
    warnings.push({
      code: 'cluster-node',
      message: `this server is a node of a cluster: ${redirected} requests went twice, first to the wrong node. Use --cluster.`,
    });
  return warnings;
}
