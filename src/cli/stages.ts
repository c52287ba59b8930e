import { Command, Option } from 'commander';
import { scanFinishedLogs } from '../source/finished-log.ts';
import { stageLabel } from '../stage/stage.ts';
import type { StageTable } from '../stage/table.ts';
import { writeJson, writeResult } from './output.ts';
import { stageTable } from './summary.ts';

interface Flags {
  readonly json?: string | true;
  readonly csv?: true;
}

export const command = new Command('stages')
  .summary('show the stages of a finished log')
  .description('Reads finished logs and shows the table of their stages. Durations are those of the markers.')
  .argument('<file...>', 'logs to read')
  .option('--json [file]', 'as JSON, to standard output or a file')
  .addOption(new Option('--csv', 'as CSV').conflicts('json'))
  .addHelpText('after', '\nExample:\n  stagewatch stages bench.log\n')
  .action(async (files: string[], flags: Flags) => {
    const stages = scanFinishedLogs(files);
    if (flags.json !== undefined)
      writeJson(flags.json, { version: 1, stages: flatRows(stages), orphanEnds: stages.orphanEnds });
    else if (flags.csv) writeResult(1, await toCsv(stages));
    else {
      const rows = stages.rows();
      writeResult(1, rows.length > 0 ? `${stageTable(rows)}\n` : '');
      if (rows.length === 0) writeResult(2, 'stagewatch: no stage markers in there\n');
      if (stages.orphanEnds > 0)
        writeResult(2, `stagewatch: ${stages.orphanEnds} end markers had no start\n`);
    }
  });

function flatRows(stages: StageTable): Record<string, unknown>[] {
  return stages.rows().map(({ stage, spans, unfinished, durations }) => ({
    stage: stageLabel(stage),
    name: stage.name,
    tag: stage.tag ?? null,
    spans,
    unfinished,
    timed: durations?.count ?? 0,
    totalMs: durations?.totalMs ?? null,
    minMs: durations?.minMs ?? null,
    meanMs: durations?.meanMs ?? null,
    maxMs: durations?.maxMs ?? null,
  }));
}

async function toCsv(stages: StageTable): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const columns = ['stage', 'spans', 'unfinished', 'timed', 'totalMs', 'minMs', 'meanMs', 'maxMs'];
  // A stage named =cmd() must not become a formula where somebody opens the table in a spreadsheet.
  return stringify(flatRows(stages), { header: true, columns, escape_formulas: true });
}
