import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { compareSides, type Comparison } from '../compare/comparison.ts';
import { comparisonData } from '../compare/data.ts';
import { flameDiffs, mostTelling } from '../compare/flame-diff.ts';
import { comparisonJunit } from '../compare/junit.ts';
import { comparisonMarkdown } from '../compare/markdown.ts';
import type { Side } from '../compare/side.ts';
import type { Verdict } from '../compare/verdict.ts';
import { messageOf, UsageError } from '../error.ts';
import { safeName } from '../session/layout.ts';
import { comparisonText } from './compare-text.ts';
import { EXIT } from './exit-code.ts';
import { integer } from './flags.ts';
import { writeJson, writeResult } from './output.ts';
import { percentage } from './percent.ts';
import { writeOutput } from './write-output.ts';

/** How a comparison is judged. */
export interface JudgeFlags {
  readonly margin: number;
  readonly confidence: number;
  readonly compareSeed: number;
  readonly by?: 'cpu' | 'qps';
}

/** Where it goes. */
export interface CompareOutputFlags {
  readonly json?: string | true;
  readonly markdown?: string | true;
  readonly junit?: string | true;
  readonly html?: string;
}

/** Flags that `compare` and `ab` share. */
export function addCompareFlags(command: Command): Command {
  return command
    .optionsGroup('Verdict:')
    .addOption(
      new Option(
        '--by <figure>',
        'what is judged: cpu time of a request (default, where it is known) or qps',
      ).choices(['cpu', 'qps']),
    )
    .addOption(
      new Option('--margin <percent>', 'changes up to this are none')
        .argParser(percentage(0, 100))
        .default(0.02, '2%'),
    )
    .addOption(
      new Option('--confidence <percent>', 'of the intervals, and of all verdicts together')
        .argParser(percentage(50, 99.9))
        .default(0.95, '95%'),
    )
    .option(
      '--compare-seed <n>',
      'of the bootstrap, which is used from 20 pairs on',
      integer(0, 2 ** 32 - 1),
      1,
    )
    .optionsGroup('Results:')
    .option('--markdown [file]', 'a summary for a pull request, to standard output or a file')
    .option('--junit [file]', 'JUnit XML: slower fails, undecided is skipped')
    .option('--html <file>', 'differential flame graph of the stage that is slower, or changed most');
}

/**
 * Compares, writes what the flags ask for, and the text for people where standard output is not taken. @param folder for a
 * flame graph of each stage. @param more beside the comparison in JSON.
 * @returns the exit code, 1 for any slower, 6 for any undecided, else 0; and what JSON has.
 */
export function compareAndWrite(
  base: Side,
  fresh: Side,
  { margin, confidence, compareSeed, by }: JudgeFlags,
  flags: CompareOutputFlags,
  folder: string | undefined,
  more: Readonly<Record<string, unknown>> = {},
): { readonly code: number; readonly data: Readonly<Record<string, unknown>> } {
  const comparison = compareSides(base, fresh, { margin, confidence, seed: compareSeed, by });
  const data = { ...comparisonData(comparison), ...more };
  const taken = [flags.json, flags.markdown, flags.junit].filter((file) => file === true).length;
  if (taken === 0) writeResult(1, comparisonText(comparison));
  if (flags.json !== undefined) writeJson(flags.json, data);
  writeText(flags.markdown, () => comparisonMarkdown(comparison));
  writeText(flags.junit, () => comparisonJunit(comparison));
  writeFlameGraphs(base, fresh, comparison, flags.html, folder);
  return { code: CODES[comparison.verdict], data };
}

const CODES: Readonly<Record<Verdict, number>> = {
  slower: EXIT.targetNotMet,
  undecided: EXIT.undecided,
  same: EXIT.done,
  faster: EXIT.done,
};

/** One result can have standard output. @throws {UsageError} two-outputs */
export function checkOutputs({ json, markdown, junit }: CompareOutputFlags): void {
  if ([json, markdown, junit].filter((file) => file === true).length > 1)
    throw new UsageError(
      'two-outputs',
      'Expected at most one of --json, --markdown and --junit without a file, got several: name files for the others',
    );
}

function writeText(file: string | true | undefined, text: () => string): void {
  if (file !== undefined) writeOutput(file === true ? '-' : file, [text()]);
}

function writeFlameGraphs(
  base: Side,
  fresh: Side,
  comparison: Comparison,
  html: string | undefined,
  folder: string | undefined,
): void {
  if (html === undefined && folder === undefined) return;
  const diffs = flameDiffs(base, fresh, comparison);
  if (diffs.length === 0)
    return writeResult(
      2,
      'stagewatch: no flame graph: no stage has stacks on both sides; profile with --collect-perf\n',
    );
  const written: string[] = [];
  const one = html === undefined ? undefined : mostTelling(diffs, comparison);
  if (html !== undefined && one !== undefined) {
    writeOutput(html, [one.html()]);
    written.push(html);
  }
  if (folder !== undefined) {
    makeFolder(folder);
    for (const [i, diff] of diffs.entries()) {
      // Different labels may become the same name.
      const path = join(
        folder,
        `${String(i + 1).padStart(3, '0')}-${safeName(diff.stage.replace(':', '.'))}.html`,
      );
      writeOutput(path, [diff.html()]);
      written.push(path);
    }
  }
  for (const path of written) writeResult(2, `flame graph  ${path}\n`);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(
      'output-dir',
      `Expected --output-dir to be a folder that can be made, got "${folder}": ${messageOf(cause)}`,
      { cause },
    );
  }
}
