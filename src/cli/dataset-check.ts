import { Command } from 'commander';
import { checkDataset, type CheckReport } from '../bench/dataset/check.ts';
import type { Dataset } from '../bench/dataset/dataset.ts';
import type { Metric } from '../bench/dataset/metric.ts';
import { requireDatasetPath } from '../bench/dataset/names.ts';
import { openDataset } from '../bench/dataset/open.ts';
import { metricOption, runWork, threadsOption } from './dataset-flags.ts';
import { describe, toText } from './dataset-info.ts';
import { EXIT } from './exit-code.ts';
import { integer } from './flags.ts';
import { writeResult } from './output.ts';

interface Flags {
  readonly metric?: Metric;
  readonly sample: number;
  readonly threads?: number;
  readonly json?: true;
}

export const checkCommand = new Command('check')
  .summary('verify a dataset, and its ground truth')
  .description(
    'Verifies the sizes of a dataset and every number in it, and searches a sample of its queries by brute force. ' +
      'Ends with 1 when something is wrong, with 2 when the file cannot be read as a dataset at all.',
  )
  .argument('<file>', 'a .bin or .yaml, or the name of a dataset')
  .option('--sample <n>', 'queries to search again', integer(1, 1_000_000), 100)
  .addOption(metricOption('what the metric is, where the file says it wrong'))
  .addOption(threadsOption)
  .option('--json', 'as JSON')
  .action(async (file: string, flags: Flags) => {
    const path = await requireDatasetPath(file);
    await using dataset = await openDataset(path, flags.metric ? { metric: flags.metric } : {});
    const report = await runWork(flags, (work) => checkDataset(dataset, { ...work, sample: flags.sample }));
    if (!report) return;
    const problems = problemsOf(report, dataset);
    if (flags.json)
      writeResult(1, `${JSON.stringify({ ...describe(dataset), check: report, problems }, undefined, 2)}\n`);
    else {
      const verdict = problems.length === 0 ? 'good' : problems.join('\n              ');
      writeResult(
        1,
        `${toText(dataset)}${'checked'.padEnd(14)}${truthText(report)}\n${'verdict'.padEnd(14)}${verdict}\n`,
      );
    }
    process.exitCode = problems.length === 0 ? EXIT.done : EXIT.targetNotMet;
  });

function truthText({ groundTruth: truth }: CheckReport): string {
  if (truth.state === 'absent') return 'all numbers; there is no ground truth';
  if (truth.state === 'skipped') return `all numbers, but not the ground truth: ${truth.reason}`;
  const tied = truth.tied > 0 ? `, ${truth.tied} with other ids at the same distance` : '';
  return `all numbers, and the ground truth of ${truth.queries} queries: ${truth.right} right${tied}`;
}

function problemsOf({ notFinite, zeroVectors, groundTruth }: CheckReport, dataset: Dataset): string[] {
  const problems: string[] = [];
  if (notFinite.count > 0)
    problems.push(
      `${notFinite.count} vectors or queries hold NaN or infinity, the first is ${notFinite.first}`,
    );
  if (zeroVectors > 0 && dataset.metric === 'cosine')
    problems.push(`${zeroVectors} vectors are all zeros: they have no cosine`);
  if (groundTruth.state === 'checked' && groundTruth.wrong.length > 0) {
    const { wrong, queries, agreesWith } = groundTruth;
    problems.push(
      `the ground truth of ${wrong.length} of ${queries} queries is wrong by ${dataset.metric}; query ${wrong[0]!.query}: ${wrong[0]!.reason}`,
    );
    if (agreesWith.length > 0)
      problems.push(`it is right by ${agreesWith.join(' and ')}: --metric ${agreesWith[0]}`);
  }
  return problems;
}
