import { Command } from 'commander';
import { artifactsOf, readArtifact } from '../report/artifacts.ts';
import { functionsOf, type FunctionTable } from '../report/functions.ts';
import { readReport } from '../report/read-report.ts';
import type { Report } from '../report/report.ts';
import { integer } from './flags.ts';
import { useColour, writeResult } from './output.ts';
import { shownSeries, showReport } from './show-text.ts';

interface Flags {
  readonly top: number;
}

export const command = new Command('show')
  .summary('show a session in the terminal: answer, stages, trials, functions')
  .description(
    'Shows what a session came to, as text; of one that still runs, was cut short, or is foreign too.',
  )
  .argument('<session...>', 'session folders')
  .option('--top <n>', 'so many functions of each stage', integer(0, 1_000), 5)
  .addHelpText('after', '\nExample:\n  stagewatch show stage_perf/2026-11-23T04-41-17Z-bench\n')
  .action(async (folders: string[], flags: Flags) => {
    for (const folder of folders) {
      const report = await readReport(folder, (name) => shownSeries.has(name));
      const functions = await functionsOfSpans(report);
      writeResult(1, showReport(report, functions, { ...flags, width: widthOf(), colour: useColour(1) }));
    }
  });

/** By span: the functions of its on-CPU stacks, all targets together. */
async function functionsOfSpans(report: Report): Promise<Map<number, FunctionTable>> {
  const tables = new Map<number, FunctionTable>();
  for (const span of report.spans) {
    const texts: string[] = [];
    for (const artifact of artifactsOf(span, 'stacks.folded')) {
      const text = await readArtifact(report.session.folder, artifact);
      if (text !== undefined) texts.push(text);
    }
    if (texts.length > 0) tables.set(span.id, functionsOf(texts.join('\n')));
  }
  return tables;
}

/** Columns of the terminal; what goes elsewhere is cut nowhere that a reader would miss it. */
function widthOf(): number {
  return process.stdout.columns ?? (Number(process.env['COLUMNS']) || 200);
}
