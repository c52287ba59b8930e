import { join } from 'node:path';
import { stagewatch } from './command.ts';

// The demo's benchmark: node bench.js HOST PORT SECONDS DATASET RESULTS. Any program that prints stage markers would do as well;
// `stagewatch load --stage NAME` prints them. Each stage leaves its result in RESULTS/STAGE.json.

const efs = [10, 20, 50, 100, 200];

const [host = '', port = '', seconds = '', dataset = '', results = ''] = process.argv.slice(2);
const shared = ['-h', host, '-p', port, '-c', '8', '--dataset', dataset, '-q'];

const stages: readonly (readonly [stage: string, flags: readonly string[]])[] = [
  ['vec-load', ['-t', 'vec-load']],
  ...efs.map((ef): [string, string[]] => [
    `vec-query:ef_${ef}`,
    ['-t', 'vec-query', '--ef-search', String(ef), '--duration', seconds],
  ]),
];

for (const [stage, flags] of stages) {
  const json = join(results, `${stage.replace(':', '.')}.json`);
  process.exitCode = await stagewatch(
    ['load', ...flags, ...shared, '--stage', stage, '--json', json],
    ['load', ...flags, ...shared, '--stage', stage],
  );
  // What comes after a stage that failed would mean nothing.
  if (process.exitCode !== 0) break;
}
