import { UsageError } from '../error.ts';
import type { ControlLink } from './control-link.ts';
import { viewDataset, type DatasetView } from './dataset-view.ts';
import { VectorBlocks } from './vector-blocks.ts';
import { LoadError } from './error.ts';
import type { LoadEvent } from './events.ts';
import type { Measured } from './measure.ts';
import type { LoadWork } from './options.ts';
import type { LoadWarning } from './result.ts';
import { detectDialect, ensureIndex, requireIndex, waitUntilReady } from './vector-index.ts';
import type { VectorDialect, VectorPlan } from './vector-plan.ts';

/** Vectors whose lengths are compared. */
const SAMPLE = 1_000;
const SAME_LENGTH = 1e-3;

export interface VectorSetup {
  readonly plan: VectorPlan;
  readonly warnings: readonly LoadWarning[];
  /** In the index before the load. */
  readonly vectorsBefore: number;
}

/**
 * Makes sure that the load will mean something: the dataset is read, the dialect found, the index made or checked.
 * @throws {UsageError} those of the dataset; bad-k. @throws {LoadError} those of the index; metric-differs
 */
export async function setUpVectors(
  control: ControlLink,
  work: LoadWork & { readonly kind: 'vectors' },
  seed: number,
): Promise<VectorSetup> {
  const dataset = await viewDataset(work.dataset);
  const dialect = await detectDialect(control);
  const plan = planOf(work, dataset, dialect, seed);
  if (plan.content && dialect === 'vector-set')
    throw new LoadError(
      'no-content',
      'Expected a server with FT.SEARCH for replies with content: a vector set has nothing but elements in its replies.',
    );
  if (work.operation === 'vec-query') checkQuestions(plan);
  if (dialect === 'vector-set' && work.operation !== 'vec-delete') checkCosine(dataset);
  if (work.operation === 'vec-load') {
    const made = await ensureIndex(control, plan);
    return { plan, warnings: made?.isFlat ? [flatIndex(plan)] : [], vectorsBefore: 0 };
  }
  const { vectors, isFlat } = await requireIndex(control, plan);
  const warnings: LoadWarning[] = isFlat && work.operation === 'vec-query' ? [flatIndex(plan)] : [];
  if (work.operation === 'vec-query' && vectors !== dataset.count)
    warnings.push({
      code: 'other-vectors',
      message: `${plan.index} holds ${vectors} vectors, the dataset has ${dataset.count}: recall is against the dataset's.`,
    });
  return { plan, warnings, vectorsBefore: vectors };
}

function flatIndex({ index }: VectorPlan): LoadWarning {
  return {
    code: 'flat-index',
    message: `${index} is FLAT: every search looks at all vectors, and --ef-search, --hnsw-m and --ef-construction mean nothing.`,
  };
}

function planOf(
  work: LoadWork & { readonly kind: 'vectors' },
  dataset: DatasetView,
  dialect: VectorDialect,
  seed: number,
): VectorPlan {
  const { operation, k, efSearch, field, hnswM, efConstruction, content } = work;
  const prefix = work.prefix ?? dataset.defaultPrefix;
  // A vector set is a key: one of ours stands below our prefix, as all keys that we make.
  const index = work.index ?? (dialect === 'search' ? '' : prefix) + dataset.defaultIndex;
  return {
    operation,
    dialect,
    dataset,
    k,
    index,
    prefix,
    field,
    hnswM,
    efConstruction,
    seed,
    ...(efSearch !== undefined && { efSearch }),
    ...(content && { content }),
  };
}

function checkQuestions({ dataset, k }: VectorPlan): void {
  if (dataset.queryCount === 0)
    throw new UsageError('no-queries', `Expected a dataset with queries, but ${dataset.name} has none.`);
  if (k > dataset.neighbors)
    throw new UsageError(
      'bad-k',
      `Expected -k to be at most ${dataset.neighbors}, the neighbours in the ground truth of ${dataset.name}, got ${k}.`,
    );
}

/**
 * Vector sets rank by cosine. Another ground truth is as good only where all vectors are of one length: the order is
 * the same then.
 */
function checkCosine(dataset: DatasetView): void {
  if (dataset.metric === 'cosine') return;
  using blocks = new VectorBlocks(dataset.vectors);
  const bytes = new Uint8Array(dataset.dim * Float32Array.BYTES_PER_ELEMENT);
  const vector = new Float32Array(bytes.buffer);
  const lengths = Array.from({ length: Math.min(SAMPLE, dataset.count) }, (_, id) => {
    blocks.copy(id, bytes, 0);
    return Math.hypot(...vector);
  });
  const longest = Math.max(...lengths);
  if (longest - Math.min(...lengths) <= SAME_LENGTH * longest) return;
  throw new LoadError(
    'metric-differs',
    `Vector sets rank by cosine, but the ground truth of ${dataset.name} is by ${dataset.metric} and its vectors differ in length: recall would mean nothing. Make the dataset with --metric cosine.`,
  );
}

/** After writes: how long until the server can answer from them, ms. */
export async function settleIndex(
  control: ControlLink,
  { plan, vectorsBefore }: VectorSetup,
  { reports }: Measured,
  name: string,
  signal: AbortSignal,
  onEvent: (event: LoadEvent) => void,
): Promise<number | undefined> {
  if (plan.operation === 'vec-query') return undefined;
  const begunMs = performance.now();
  const failed = reports.some(({ errors, partial }) => errors.length > 0 || partial);
  const written = Math.min(
    plan.dataset.count,
    reports.reduce((sum, { replies }) => sum + replies, 0),
  );
  // Errors mean that fewer vectors came in than were sent: those that did are waited for.
  const wanted = plan.operation === 'vec-delete' || failed ? 0 : Math.max(vectorsBefore, written);
  onEvent({ type: 'waiting', name, message: `${plan.index}: waiting until it is ready` });
  // Deleting the last element deletes a vector set.
  if (plan.operation === 'vec-delete' && plan.dialect === 'vector-set') return 0;
  if (failed && plan.dialect === 'vector-set') return undefined;
  await waitUntilReady(control, plan, wanted, signal);
  return performance.now() - begunMs;
}
