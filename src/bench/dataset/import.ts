import { basename } from 'node:path';
import { UsageError } from '../../error.ts';
import { checkDataset, type GroundTruthCheck } from './check.ts';
import { computeGroundTruth } from './ground-truth.ts';
import { openImport, openQueries, readForeignTruth } from './import-open.ts';
import { expectHeld, readAll, type ForeignTruth, type ImportSource } from './import-source.ts';
import type { Metric } from './metric.ts';
import { openDataset } from './open.ts';
import { searchOptions, type WorkOptions } from './progress.ts';
import { splitQueries } from './split.ts';
import { expectSpace } from './space.ts';
import { DatasetWriter } from './writer.ts';

export interface ImportOptions extends WorkOptions {
  /** HDF5 (ann-benchmarks), fvecs, bvecs, npy or JSON lines. */
  readonly input: string;
  /** Where to: `x` becomes `x.yaml` and `x.bin`. */
  readonly output: string;
  readonly name?: string;
  /** Without it, what the file says, or l2. */
  readonly metric?: Metric;
  /** The queries, where they are in a file of their own. */
  readonly queryFile?: string;
  /** The ground truth, where it is in a file of its own: ivecs or npy. */
  readonly groundTruthFile?: string;
  /** How many vectors are taken out as queries where the input has none; up to 1,000 without it. */
  readonly queries?: number;
  /** Nearest ids per query; without it, as many as the input has, or 100. */
  readonly neighbors?: number;
  /** Compute the ground truth even where the input brings one. */
  readonly recompute?: boolean;
  /** Chooses the vectors that are taken out; 1 without it. */
  readonly seed?: number;
  /** The field of the vectors in JSON lines. */
  readonly field?: string;
  readonly force?: boolean;
}

export interface Imported {
  /** The path of the schema. */
  readonly path: string;
  readonly count: number;
  readonly dim: number;
  readonly queryCount: number;
  readonly metric: Metric;
  readonly groundTruth:
    | { readonly state: 'computed'; readonly neighbors: number }
    | { readonly state: 'taken-over'; readonly neighbors: number; readonly check: GroundTruthCheck };
  readonly notes: readonly string[];
}

const QUERIES = 1_000;
const NEIGHBORS = 100;
/** Queries of a taken-over ground truth that are searched again. */
const CHECKED = 20;

/**
 * Turns another program's vectors into a schema-driven dataset with queries and exact ground truth.
 * @throws {UsageError} import-*, dataset-*; the signal's reason.
 */
export async function importDataset(options: ImportOptions): Promise<Imported> {
  const { input, output } = options;
  await using source = await openImport(input, options.field);
  const { rows, dim } = source.vectors;
  const metric = options.metric ?? source.metric ?? 'l2';
  const notes = [...source.vectors.notes];
  if (options.metric === undefined && source.metric === undefined)
    notes.push('the metric is taken as l2, since the file does not say it: --metric');

  const given = await givenQueries(source, options, notes);
  const truth = await givenTruth(source, metric, given && given.length / dim, options, notes);
  await expectSpace(output, rows * dim * 4);
  await using writer = await DatasetWriter.create({
    output,
    name: options.name ?? basename(output).replace(/\.(?:bin|ya?ml)$/, ''),
    description: `${basename(input)}, ${rows} x ${dim}`,
    dim,
    dtype: 'f32',
    metric,
    ...(options.force && { force: true }),
  });
  const wanted = given ? 0 : queriesToTake(rows, options.queries);
  expectHeld(input, wanted * dim * 4);
  const taken = new Float32Array(wanted * dim);
  let done = 0;
  for await (const part of splitQueries(source.vectors, wanted, options.seed ?? 1)) {
    options.signal?.throwIfAborted();
    await writer.appendVectors(part.vectors);
    taken.set(part.queries, part.firstQuery * dim);
    done += (part.vectors.length + part.queries.length) / dim;
    options.onProgress?.({ phase: 'vectors', done, of: rows });
  }
  const queries = given ?? taken;
  await writer.appendQueries(queries);
  const count = writer.vectors.count;
  const shared = { count, dim, queryCount: queries.length / dim, metric, notes };
  if (truth) {
    await writer.appendGroundTruth(truth.ids, truth.neighbors);
    const path = await writer.finish();
    const check = await checkTaken(path, options);
    return { path, ...shared, groundTruth: { state: 'taken-over', neighbors: truth.neighbors, check } };
  }
  const neighbors = options.neighbors ?? Math.min(NEIGHBORS, count);
  if (neighbors > count)
    throw new UsageError('import-shape', `Expected --neighbors to be up to ${count}, got ${neighbors}.`);
  const job = { path: writer.path, vectors: writer.vectors, dim, dtype: 'f32', metric, queries } as const;
  const { ids } = await computeGroundTruth({ ...job, k: neighbors }, searchOptions(options));
  await writer.appendGroundTruth(ids, neighbors);
  return { path: await writer.finish(), ...shared, groundTruth: { state: 'computed', neighbors } };
}

async function givenQueries(
  source: ImportSource,
  options: ImportOptions,
  notes: string[],
): Promise<Float32Array | undefined> {
  const { queryFile, input } = options;
  await using opened = queryFile === undefined ? undefined : await openQueries(queryFile, options.field);
  const rows = opened ?? source.queries;
  if (!rows) return undefined;
  if (rows.dim !== source.vectors.dim)
    throw new UsageError(
      'import-shape',
      `Expected queries of ${source.vectors.dim} numbers as the vectors, got ${rows.dim} in ${queryFile ?? input}.`,
    );
  notes.push(...rows.notes.filter((note) => !notes.includes(note)));
  return readAll(rows, queryFile ?? input);
}

/** What the input says is nearest; undefined where it has to be computed. */
async function givenTruth(
  source: ImportSource,
  metric: Metric,
  queries: number | undefined,
  options: ImportOptions,
  notes: string[],
): Promise<ForeignTruth | undefined> {
  const { groundTruthFile, neighbors } = options;
  if (options.recompute) return undefined;
  if (groundTruthFile !== undefined && queries === undefined)
    throw new UsageError(
      'import-ground-truth',
      'Expected the queries of the ground truth beside it: --query-file FILE.',
    );
  const foreign =
    groundTruthFile !== undefined
      ? await readForeignTruth(groundTruthFile, source.vectors.rows)
      : options.queryFile === undefined
        ? await source.groundTruth?.()
        : undefined;
  if (!foreign) return undefined;
  const rows = foreign.ids.length / foreign.neighbors;
  if (queries !== undefined && rows !== queries)
    throw new UsageError(
      'import-ground-truth',
      `Expected the ground truth of ${queries} queries, got that of ${rows}. Compute it with --recompute.`,
    );
  if (source.metric !== undefined && source.metric !== metric) {
    notes.push(`the ground truth is computed, since that of the file is by ${source.metric}`);
    return undefined;
  }
  if (neighbors !== undefined && neighbors > foreign.neighbors) {
    notes.push(`the ground truth is computed, since the file lists ${foreign.neighbors} neighbours only`);
    return undefined;
  }
  return neighbors === undefined ? foreign : cut(foreign, neighbors);
}

/** The nearest `neighbors` of each row. */
function cut({ ids, neighbors: width }: ForeignTruth, neighbors: number): ForeignTruth {
  const rows = ids.length / width;
  const nearest = new Uint32Array(rows * neighbors);
  for (let row = 0; row < rows; row++)
    nearest.set(ids.subarray(row * width, row * width + neighbors), row * neighbors);
  return { ids: nearest, neighbors };
}

function queriesToTake(rows: number, wanted: number | undefined): number {
  const queries = wanted ?? Math.min(QUERIES, Math.max(1, Math.floor(rows / 10)));
  if (!Number.isInteger(queries) || queries < 1 || queries >= rows)
    throw new UsageError(
      'import-shape',
      `Expected --queries to be 1 to ${rows - 1}, fewer than there are vectors, got ${queries}.`,
    );
  return queries;
}

async function checkTaken(path: string, options: ImportOptions): Promise<GroundTruthCheck> {
  await using dataset = await openDataset(path);
  const { threads, signal } = options;
  const work = { ...(threads !== undefined && { threads }), ...(signal && { signal }) };
  return (await checkDataset(dataset, { ...work, sample: CHECKED })).groundTruth;
}
