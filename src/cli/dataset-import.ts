import { Command } from 'commander';
import type { Imported } from '../bench/dataset/import.ts';
import type { Metric } from '../bench/dataset/metric.ts';
import { bareName, metricOption, runWork, threadsOption } from './dataset-flags.ts';
import { EXIT } from './exit-code.ts';
import { integer } from './flags.ts';
import { writeResult } from './output.ts';
import { printable } from './text.ts';

interface Flags {
  readonly output?: string;
  readonly name?: string;
  readonly metric?: Metric;
  readonly queryFile?: string;
  readonly groundTruth?: string;
  readonly queries?: number;
  readonly neighbors?: number;
  readonly recompute?: true;
  readonly seed?: number;
  readonly field?: string;
  readonly threads?: number;
  readonly force?: true;
}

const any = integer(0, Number.MAX_SAFE_INTEGER);

export const importCommand = new Command('import')
  .summary("make a dataset of another program's vectors")
  .description(
    'Imports HDF5 as ann-benchmarks writes it, fvecs, bvecs, .npy (little endian, C order), or JSON lines. ' +
      'Ground truth that the input brings is taken over, and a sample of it verified; else it is computed.',
  )
  .argument('<file>', 'the vectors')
  .option('--output <file>', 'FILE.yaml and FILE.bin; default: the name of the input, here')
  .option('--name <name>', 'default: that of the file')
  .addOption(metricOption('how near two vectors are; default: what the input says, or l2'))
  .option('--query-file <file>', 'the queries, where they are in a file of their own')
  .option('--ground-truth <file>', 'their nearest ids: .ivecs or .npy')
  .option('--queries <n>', 'vectors to take out as queries, where there are none; default: up to 1000', any)
  .option('--neighbors <n>', 'nearest neighbours of each query; default: 100, or what the input has', any)
  .option('--recompute', 'compute the ground truth even where the input brings one')
  .option('--seed <n>', 'chooses the vectors that are taken out; default: 1', any)
  .option('--field <name>', 'of the vectors in JSON lines; default: vector, embedding or values')
  .option('--force', 'replace what is there')
  .addOption(threadsOption)
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  stagewatch dataset import sift-128-euclidean.hdf5\n' +
      '  stagewatch dataset import base.fvecs --query-file query.fvecs --ground-truth groundtruth.ivecs\n' +
      '  stagewatch dataset import embeddings.npy --metric cosine --queries 500\n',
  )
  .action(async (input: string, given: Flags) => {
    const { groundTruth, ...flags } = given;
    const { importDataset } = await import('../bench/dataset/import.ts');
    const output = flags.output ?? bareName(input);
    const imported = await runWork(flags, (work) =>
      importDataset({
        ...flags,
        ...work,
        input,
        output,
        ...(groundTruth !== undefined && { groundTruthFile: groundTruth }),
      }),
    );
    if (imported) tell(imported);
  });

function tell({ path, count, dim, queryCount, metric, groundTruth, notes }: Imported): void {
  for (const note of notes) writeResult(2, `stagewatch: ${printable(note, 600)}\n`);
  const how = groundTruth.state === 'computed' ? 'computed' : 'taken over';
  writeResult(
    2,
    `stagewatch: ${count} x ${dim}, ${metric}, ${queryCount} queries, ${groundTruth.neighbors} neighbours each, ${how}\n`,
  );
  writeResult(1, `${path}\n`);
  if (groundTruth.state === 'computed' || groundTruth.check.state === 'absent') return;
  if (groundTruth.check.state === 'skipped') {
    writeResult(2, `stagewatch: the ground truth was not checked: ${groundTruth.check.reason}\n`);
    process.exitCode = EXIT.targetNotMet;
    return;
  }
  const { wrong, queries, agreesWith } = groundTruth.check;
  if (wrong.length === 0) return;
  const other = agreesWith[0] ? `; it is right by ${agreesWith[0]}: --metric ${agreesWith[0]}` : '';
  writeResult(
    2,
    `stagewatch: the ground truth of ${wrong.length} of ${queries} queries is wrong by ${metric}${other}. Compute it with --recompute --force\n`,
  );
  process.exitCode = EXIT.targetNotMet;
}
