import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { UsageError } from '../../error.ts';
import { ExactSearch } from './exact-search.ts';
import { openFile } from './layout-of-file.ts';
import type { VectorSection } from './layout.ts';
import type { Metric } from './metric.ts';
import { Nearest } from './nearest.ts';
import { VectorReader } from './vector-reader.ts';

/** What is searched: the vectors in a file, for some queries. Goes to the workers as it is. */
export interface GroundTruthJob {
  readonly path: string;
  readonly vectors: VectorSection;
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
  readonly metric: Metric;
  readonly queries: Float32Array;
  /** Neighbours wanted of each query; up to the number of vectors. */
  readonly k: number;
}

export interface GroundTruthOptions {
  /** Threads; all cores without it. The result does not depend on it. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Told from time to time how many of the vectors every query was compared with. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** Ids nearest first; scores as in `scoreGroup`. */
export interface GroundTruth {
  readonly ids: Uint32Array;
  readonly scores: Float64Array;
}

/** What is read at once by each thread, bytes. */
const CHUNK_BYTES = 2 << 20;

/** Below this many multiplications, threads take longer to start than they save. */
const WORTH_THREADS = 50_000_000;
const PROGRESS_MS = 200;

/** What a worker is given, and what comes back. */
export interface WorkerJob {
  readonly job: GroundTruthJob;
  readonly claimed: SharedArrayBuffer;
}
export type WorkerAnswer =
  | ({ readonly state: 'done' } & GroundTruth)
  | { readonly state: 'failed'; readonly code: string; readonly message: string };

/**
 * The exact nearest vectors of each query, by brute force on all cores. Of equal scores the smaller id comes first,
 * so that the result is the same for every number of threads.
 * @throws the signal's reason; {UsageError} dataset-not-finite, dataset-size.
 */
export async function computeGroundTruth(
  job: GroundTruthJob,
  options: GroundTruthOptions = {},
): Promise<GroundTruth> {
  options.signal?.throwIfAborted();
  const { count } = job.vectors;
  const threads = Math.min(options.threads ?? availableParallelism(), Math.ceil(count / chunkOf(job)));
  const claimed = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const done = (): number => Math.min(count, Atomics.load(new Int32Array(claimed), 0) * chunkOf(job));
  if (threads <= 1 || count * job.queries.length < WORTH_THREADS) {
    const truth = await searchClaimed(job, claimed, () => {
      options.signal?.throwIfAborted();
      options.onProgress?.(done(), count);
    });
    options.onProgress?.(count, count);
    return truth;
  }
  const told = setInterval(() => options.onProgress?.(done(), count), PROGRESS_MS);
  // Their own streams, or Node makes an inherited pipe non-blocking for everyone who shares it.
  const start = { workerData: { job, claimed } satisfies WorkerJob, stdout: true, stderr: true };
  const workers = Array.from({ length: threads }, () => new Worker(script, start));
  try {
    const parts = await Promise.all(workers.map((worker) => answerOf(worker, options.signal)));
    options.onProgress?.(count, count);
    return merge(parts, job);
  } finally {
    clearInterval(told);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Searches chunk by chunk of what no other thread has claimed. @param between called after each. */
export async function searchClaimed(
  job: GroundTruthJob,
  claimed: SharedArrayBuffer,
  between?: () => void,
): Promise<GroundTruth> {
  const search = new ExactSearch(job.metric, job.queries, job.dim, job.k);
  await using file = await openFile(job.path);
  const reader = new VectorReader(file, job.path, job.vectors, job.dim, job.dtype);
  const chunk = chunkOf(job);
  const counter = new Int32Array(claimed);
  for (;;) {
    const start = Atomics.add(counter, 0, 1) * chunk;
    if (start >= job.vectors.count) return search.finish();
    search.add(await reader.read(start, Math.min(chunk, job.vectors.count - start)), start);
    between?.();
  }
}

/** The compiled worker; run from source (tests), it is in dist/. */
const script = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/src/bench/dataset/ground-truth-worker.js', import.meta.url)
  : new URL('./ground-truth-worker.js', import.meta.url);

/** Vectors per chunk. */
function chunkOf(job: GroundTruthJob): number {
  return Math.max(1, Math.floor(CHUNK_BYTES / (job.dim * Float32Array.BYTES_PER_ELEMENT)));
}

function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<GroundTruth> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal!.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.once('message', (answer: WorkerAnswer) => {
      if (answer.state === 'done') resolve(answer);
      else reject(new UsageError(answer.code, answer.message));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', onAbort);
      reject(new Error(`The search thread ended with ${code} before it answered.`));
    });
  });
}

/** The best of what the threads found, each in its share. */
function merge(parts: readonly GroundTruth[], job: GroundTruthJob): GroundTruth {
  const nearest = new Nearest(job.queries.length / job.dim, job.k);
  for (const { ids, scores } of parts)
    for (let i = 0; i < ids.length; i++)
      // A thread that saw fewer than k vectors has found fewer.
      if (!Number.isNaN(scores[i])) nearest.offer(Math.floor(i / job.k), scores[i]!, ids[i]!);
  return nearest.sorted();
}
