import { Command } from 'commander';
import { checkCommand } from './dataset-check.ts';
import { convertCommand } from './dataset-convert.ts';
import { importCommand } from './dataset-import.ts';
import { infoCommand } from './dataset-info.ts';
import { makeCommand } from './dataset-make.ts';

export const command = new Command('dataset')
  .summary('make, import, check and convert vector datasets')
  .description(
    'Vectors to load, queries, and their exact nearest neighbours: NAME.yaml beside NAME.bin. ' +
      'A bare name is looked for in $BENCHMARK_HOME/datasets, ./datasets and here.',
  )
  .addCommand(infoCommand)
  .addCommand(checkCommand)
  .addCommand(makeCommand)
  .addCommand(importCommand)
  .addCommand(convertCommand)
  .addHelpText(
    'after',
    '\nExamples:\n' +
      '  stagewatch dataset make --count 100000 --dim 128 --output datasets/demo\n' +
      '  stagewatch dataset import sift-128-euclidean.hdf5\n' +
      '  stagewatch dataset check demo\n',
  );
