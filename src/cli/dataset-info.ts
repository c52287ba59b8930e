import { Command } from 'commander';
import { openDataset } from '../bench/dataset/open.ts';
import { generateIndexName, generateSearchPrefix, requireDatasetPath } from '../bench/dataset/names.ts';
import type { Dataset } from '../bench/dataset/dataset.ts';
import type { Metric } from '../bench/dataset/metric.ts';
import { metricOption } from './dataset-flags.ts';
import { writeResult } from './output.ts';
import { printable } from './text.ts';

export const infoCommand = new Command('info')
  .summary('what is in a dataset')
  .description('Shows what is in a dataset, after all its sizes were verified.')
  .argument('<file>', 'a .bin or .yaml, or the name of a dataset')
  .addOption(metricOption('what the metric is, where the file says it wrong'))
  .option('--json', 'as JSON')
  .action(async (file: string, flags: { metric?: Metric; json?: true }) => {
    await using dataset = await openDataset(
      await requireDatasetPath(file),
      flags.metric ? { metric: flags.metric } : {},
    );
    writeResult(1, flags.json ? `${JSON.stringify(describe(dataset), undefined, 2)}\n` : toText(dataset));
  });

/** What `info` and `check` say of a dataset in JSON. */
export function describe(dataset: Dataset): object {
  const { name, path, format, count, dim, dtype, metric, queryCount, neighbors, fieldName, layout } = dataset;
  return {
    version: 1,
    name,
    path,
    format,
    count,
    dim,
    dtype,
    metric,
    metricOrigin: layout.metricOrigin,
    queryCount,
    neighbors,
    fieldName,
    keys: layout.keys.state,
    indexName: generateIndexName(name, count, dim, neighbors),
    searchPrefix: generateSearchPrefix(name),
  };
}

/** The same for a person. */
export function toText(dataset: Dataset): string {
  const { name, path, format, count, dim, dtype, queryCount, neighbors, fieldName, keys } = dataset;
  const whole = (number: number): string => number.toLocaleString('en');
  const rows: [string, string][] = [
    ['name', printable(name)],
    ['file', printable(path, 400)],
    ['format', format === 'schema' ? 'schema-driven' : 'legacy; convert it with: stagewatch dataset convert'],
    [
      'vectors',
      `${whole(count)} x ${dim}, ${dtype === 'f32' ? 'float32' : 'float16'}, field ${printable(fieldName)}`,
    ],
    ['metric', metricText(dataset)],
    ['queries', whole(queryCount)],
    ['ground truth', neighbors === 0 ? 'none' : `${neighbors} neighbours of each query`],
    ['keys', keys ? (keys.state === 'stored' ? 'stored' : `like ${printable(keys.pattern)}`) : 'by number'],
    ['index name', printable(generateIndexName(name, count, dim, neighbors))],
    ['key prefix', printable(generateSearchPrefix(name))],
  ];
  return rows.map(([what, value]) => `${what.padEnd(14)}${value}\n`).join('');
}

function metricText({ metric, layout: { metricOrigin } }: Dataset): string {
  if (metricOrigin.state === 'assumed') return `${metric}, as nothing says it`;
  if (metricOrigin.state === 'overridden') return `${metric}, as you say`;
  if (metricOrigin.state === 'declared') return metric;
  const doubt = metricOrigin.ambiguous
    ? '; writers disagree on this code: `stagewatch dataset check` asks the ground truth, --metric decides'
    : '';
  return `${metric} (code ${metricOrigin.code}${doubt})`;
}
