import { Command } from 'commander';
import { convertDataset } from '../bench/dataset/convert.ts';
import type { Metric } from '../bench/dataset/metric.ts';
import { requireDatasetPath } from '../bench/dataset/names.ts';
import { bareName, metricOption, runWork, threadsOption } from './dataset-flags.ts';
import { writeResult } from './output.ts';

interface Flags {
  readonly output?: string;
  readonly metric?: Metric;
  readonly threads?: number;
  readonly force?: true;
}

export const convertCommand = new Command('convert')
  .summary('legacy to schema-driven')
  .description(
    'Writes a dataset of the legacy format (one file with a head) as a schema-driven one; all numbers stay as they are. ' +
      'Where the head leaves the metric in doubt, the ground truth tells which one it is.',
  )
  .argument('<file>', 'a .bin, or the name of a dataset')
  .option('--output <file>', 'FILE.yaml and FILE.bin; default: NAME-schema, here')
  .addOption(metricOption('what the metric is, where the file says it wrong'))
  .option('--force', 'replace what is there')
  .addOption(threadsOption)
  .action(async (file: string, flags: Flags) => {
    const input = await requireDatasetPath(file);
    const output = flags.output ?? `${bareName(file)}-schema`;
    const converted = await runWork(flags, (work) => convertDataset({ ...flags, ...work, input, output }));
    if (!converted) return;
    for (const note of converted.notes) writeResult(2, `stagewatch: ${note}\n`);
    writeResult(1, `${converted.path}\n`);
  });
