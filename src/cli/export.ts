import { Command, Option } from 'commander';
import { basename, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { UsageError } from '../error.ts';
import { type CsvTable, csvTables } from '../report/csv-tables.ts';
import { type ExportFormat, exportFormats, exportSession, exportSuffixes } from '../report/export.ts';
import { writeResult } from './output.ts';
import { writeOutput } from './write-output.ts';

interface Flags {
  readonly to: ExportFormat;
  readonly span?: string;
  readonly table?: CsvTable;
  readonly output?: string;
}

export const command = new Command('export')
  .summary('give a session to another tool: speedscope, pprof, Perfetto, CSV, ...')
  .description('Writes a session in the format of another tool.')
  .argument('<session>', 'the session folder')
  .addOption(new Option('--to <format>', 'what to write').choices(exportFormats).makeOptionMandatory())
  .option('--span <span>', 'one span by its number, or those of a stage; repeat the export for more')
  .addOption(new Option('--table <table>', 'of --to csv (default: spans)').choices(csvTables))
  .option(
    '-o, --output <file>',
    'where to write; - for standard output (default: a file named after the session)',
  )
  .addHelpText(
    'after',
    `
Examples:
  stagewatch export stage_perf/2026-11-23T04-41-17Z-bench --to markdown >> "$GITHUB_STEP_SUMMARY"
  stagewatch export stage_perf/2026-11-23T04-41-17Z-bench --to pprof --span vec-query -o query.pb.gz
`,
  )
  .action(async (folder: string, flags: Flags) => {
    const { to, span, table } = flags;
    if (table !== undefined && to !== 'csv')
      throw new UsageError('csv-table', `Expected --table with --to csv, got --to ${to}`);
    const chunks = await exportSession(folder, { to, span, table });
    const name = `${basename(resolve(folder))}${table === undefined ? '' : `.${table}`}.${exportSuffixes[to]}`;
    const output = flags.output ?? (isatty(1) ? name : '-');
    writeOutput(output, chunks);
    if (output !== '-') writeResult(1, `${output}\n`);
  });
