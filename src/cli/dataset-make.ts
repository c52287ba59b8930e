import { Command } from 'commander';
import { makeDataset } from '../bench/dataset/make.ts';
import type { Metric } from '../bench/dataset/metric.ts';
import { metricOption, positive, runWork, threadsOption } from './dataset-flags.ts';
import { integer } from './flags.ts';
import { writeResult } from './output.ts';

interface Flags {
  readonly count: number;
  readonly dim: number;
  readonly clusters?: number;
  readonly spread?: number;
  readonly queries?: number;
  readonly neighbors?: number;
  readonly metric?: Metric;
  readonly seed?: number;
  readonly name?: string;
  readonly output?: string;
  readonly threads?: number;
  readonly force?: true;
}

const any = integer(0, Number.MAX_SAFE_INTEGER);

export const makeCommand = new Command('make')
  .summary('make clustered vectors with exact ground truth')
  .description(
    'Makes clustered vectors, queries of the same kind, and their exact nearest neighbours, on all cores. ' +
      'The same seed makes the same bytes.',
  )
  .requiredOption('--count <n>', 'vectors', any)
  .requiredOption('--dim <n>', 'dimensions', any)
  .option('--clusters <n>', 'centres that the vectors lie around; default: 100', any)
  .option('--spread <x>', 'distance from the centre; more is harder to search; default: 1.5', positive)
  .option('--queries <n>', 'queries; default: 1000', any)
  .option('--neighbors <n>', 'nearest neighbours of each query; default: 100', any)
  .addOption(metricOption('how near two vectors are; default: l2'))
  .option('--seed <n>', 'default: 1', any)
  .option('--name <name>', 'default: that of the file')
  .option('--output <file>', 'FILE.yaml and FILE.bin; default: clusters-COUNT-DIM')
  .option('--force', 'replace what is there')
  .addOption(threadsOption)
  .addHelpText(
    'after',
    '\nExample:\n  stagewatch dataset make --count 100000 --dim 128 --output datasets/demo\n',
  )
  .action(async (flags: Flags) => {
    const output = flags.output ?? `clusters-${flags.count}-${flags.dim}`;
    const path = await runWork(flags, (work) => makeDataset({ ...flags, ...work, output }));
    if (path !== undefined) writeResult(1, `${path}\n`);
  });
