import { relative } from 'node:path';
import type { MonitorSummary } from '../monitor/options.ts';
import type { StageRow } from '../stage/table.ts';
import { stageLabel } from '../stage/stage.ts';
import { duration, printable, table } from './text.ts';

/** The table of stages, as `stages` and the end of a session show it. */
export function stageTable(rows: readonly StageRow[]): string {
  return table(
    ['stage', 'spans', 'unfinished', 'total', 'min', 'mean', 'max'],
    rows.map(({ stage, spans, unfinished, durations }) => [
      printable(stageLabel(stage), 60),
      String(spans),
      unfinished === 0 ? '' : String(unfinished),
      ...(durations
        ? [durations.totalMs, durations.minMs, durations.meanMs, durations.maxMs].map(duration)
        : ['', '', '', '']),
    ]),
  );
}

/** What a session came to: blocks of text for the end of it. */
export function closingLines(
  summary: MonitorSummary,
  flags: { readonly quiet?: true; readonly watch?: readonly string[] },
): string[] {
  const blocks: string[] = [];
  if (!flags.quiet) {
    if (summary.stages.length > 0) blocks.push(`\n${stageTable(summary.stages)}`);
    else
      blocks.push(
        'stagewatch: no stage markers were seen; a benchmark prints [STAGE:START] name:tag and [STAGE:END] name:tag',
      );
    const delays = Object.entries(summary.startDelays);
    if (delays.length > 0)
      blocks.push(
        `\n${table(
          ['marker to capture', 'spans', 'p50', 'p99', 'max'],
          delays.map(([hook, { count, p50Ms, p99Ms, maxMs }]) => [
            hook,
            String(count),
            ...[p50Ms, p99Ms, maxMs].map((ms) => `${ms.toFixed(2)} ms`),
          ]),
        )}`,
      );
    if (summary.orphanEnds > 0) blocks.push(`stagewatch: ${summary.orphanEnds} end markers had no start`);
  }
  const folder = nearPath(summary.folder);
  for (const { message, times } of summary.failures)
    blocks.push(
      `stagewatch: incomplete: ${printable(message.split('\n', 1)[0]!, 600)}${times > 1 ? ` (and ${times - 1} more times)` : ''}`,
    );
  if (summary.uncollected > 0)
    blocks.push(
      `stagewatch: ${summary.uncollected} spans were not collected; do it with: stagewatch collect ${folder}`,
    );
  if (!flags.quiet) blocks.push(`\nsession  ${folder}`);
  return blocks;
}

/** Relative to where the user stands, when that is shorter. */
export function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length ? near : path;
}
