import { UsageError } from '../../error.ts';
import { metricsThatAgree } from './check.ts';
import type { Dataset } from './dataset.ts';
import { bytesOf } from './layout.ts';
import type { Metric } from './metric.ts';
import { openDataset } from './open.ts';
import type { WorkOptions } from './progress.ts';
import { expectSpace } from './space.ts';
import { DatasetWriter } from './writer.ts';

export interface ConvertOptions extends WorkOptions {
  readonly input: string;
  /** Where to: `x` becomes `x.yaml` and `x.bin`. */
  readonly output: string;
  /** What the metric is; without it, what the file says, or its ground truth. */
  readonly metric?: Metric;
  readonly force?: boolean;
}

export interface Converted {
  /** The path of the schema. */
  readonly path: string;
  readonly metric: Metric;
  readonly notes: readonly string[];
}

const BATCH_BYTES = 4 << 20;

/**
 * Writes a dataset of the legacy format, or of another schema, as a plain schema-driven one; numbers are kept bit by
 * bit. Other fields than the vector are left out.
 * @throws {UsageError} dataset-metric, when the metric cannot be found out; and as `openDataset` and `DatasetWriter`.
 */
export async function convertDataset(options: ConvertOptions): Promise<Converted> {
  const { input, output, force } = options;
  await using dataset = await openDataset(input, options.metric ? { metric: options.metric } : {});
  const { metric, notes } = await decideMetric(dataset, options);
  const { name, dim, dtype, count } = dataset;
  await expectSpace(output, count * dim * bytesOf(dtype));
  await using writer = await DatasetWriter.create({
    output,
    name,
    ...(force && { force }),
    description: `${count} x ${dim}, converted from the ${dataset.format} format`,
    dim,
    dtype,
    metric,
  });
  const batch = Math.max(1, Math.floor(BATCH_BYTES / (dim * bytesOf(dtype))));
  for (let start = 0; start < count; start += batch) {
    options.signal?.throwIfAborted();
    await writer.appendVectors(await dataset.readRaw(start, Math.min(batch, count - start)));
    options.onProgress?.({ phase: 'vectors', done: writer.vectors.count, of: count });
  }
  if (dataset.queryCount > 0) {
    await writer.appendQueries(await dataset.readRawQueries());
    if (dataset.neighbors > 0) await writer.appendGroundTruth(dataset.groundTruth, dataset.neighbors);
  }
  const path = await writer.finish();
  return { path, metric, notes };
}

async function decideMetric(
  dataset: Dataset,
  options: ConvertOptions,
): Promise<{ metric: Metric; notes: string[] }> {
  const { metric } = dataset;
  const { metricOrigin } = dataset.layout;
  if (metricOrigin.state !== 'code' || !metricOrigin.ambiguous) return { metric, notes: [] };
  const { code } = metricOrigin;
  const doubt = `Metric code ${code} means ${code === 1 ? 'cosine' : 'ip'} or ${code === 1 ? 'ip' : 'cosine'}, by its writer`;
  if (dataset.neighbors === 0)
    throw new UsageError(
      'dataset-metric',
      `${dataset.path}: ${doubt}, and there is no ground truth to tell. Say it with --metric.`,
    );
  const agreeing = (await metricsThatAgree(dataset, options)).filter((one) => one !== 'l2');
  if (agreeing.some((one) => one === metric))
    return { metric, notes: [`${doubt}; taken as ${metric}, as the ground truth agrees.`] };
  if (agreeing[0])
    return { metric: agreeing[0], notes: [`${doubt}; the ground truth is that of ${agreeing[0]}.`] };
  throw new UsageError(
    'dataset-metric',
    `${dataset.path}: ${doubt}, and the ground truth agrees with neither. Say it with --metric.`,
  );
}
