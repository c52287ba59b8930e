import { isRespArray, textOf, type RespValue } from '../valkey/resp.ts';
import { VectorBlocks } from './vector-blocks.ts';
import { Random } from '../stats/random.ts';
import { RecallMeter } from './recall.ts';
import { NUMBER_DIGITS, writeNumber } from './request-template.ts';
import { idOfKey, vectorRequest, type VectorRequest } from './vector-requests.ts';
import type { VectorPlan } from './vector-plan.ts';
import type { Batch, Workload, WorkloadReport } from './workload.ts';

export function vectorWorkload(plan: VectorPlan, pipeline: number, seed: number): Workload {
  return plan.operation === 'vec-query'
    ? new QueryWorkload(plan, pipeline)
    : new WriteWorkload(plan, pipeline, new Random(seed));
}

/** Requests of one shape, one behind the other. */
abstract class FixedRequests {
  readonly batchBytes: number;
  protected readonly request: VectorRequest;
  protected made = 0;
  readonly #pipeline: number;

  constructor(plan: VectorPlan, pipeline: number) {
    this.request = vectorRequest(plan);
    this.batchBytes = this.request.bytes.length * pipeline;
    this.#pipeline = pipeline;
  }

  prepare(batch: Batch): void {
    const { bytes } = this.request;
    for (let i = 0; i < this.#pipeline; i++) {
      bytes.copy(batch.bytes, i * bytes.length);
      batch.ends[i] = (i + 1) * bytes.length;
    }
  }
}

/** vec-query: every query equally often, in an order that the seed decides. */
class QueryWorkload extends FixedRequests implements Workload {
  readonly readsReplies = true;
  readonly #plan: VectorPlan;
  readonly #queries: Uint8Array;
  readonly #order: Uint32Array;
  readonly #meter: RecallMeter;

  constructor(plan: VectorPlan, pipeline: number) {
    super(plan, pipeline);
    const { dataset } = plan;
    this.#plan = plan;
    this.#queries = new Uint8Array(dataset.queries);
    // Of the run's seed, not of the thread's: request i is the same query on whatever thread it is made.
    this.#order = new Random(plan.seed).permutation(dataset.queryCount);
    const ids = new Uint32Array(dataset.groundTruth);
    this.#meter = new RecallMeter({ ids, neighbors: dataset.neighbors, count: dataset.count }, plan.k);
  }

  fill(batch: Batch, first: number, stride: number, count: number): number {
    const { bytes, vectorAt } = this.request;
    const width = this.#plan.dataset.dim * Float32Array.BYTES_PER_ELEMENT;
    for (let i = 0; i < count; i++) {
      const query = this.#order[(first + i * stride) % this.#order.length]!;
      batch.bytes.set(
        this.#queries.subarray(query * width, (query + 1) * width),
        i * bytes.length + vectorAt!,
      );
      batch.notes[i] = query;
    }
    this.made += count;
    return count * bytes.length;
  }

  take(batch: Batch, index: number, reply: RespValue): string | undefined {
    const ids = idsOf(reply, this.#plan);
    if (ids === undefined)
      return `Expected the reply of ${this.#plan.dialect === 'search' ? 'FT.SEARCH' : 'VSIM'} to be a list of keys, got ${JSON.stringify(textOf(reply) ?? reply)?.slice(0, 200)}.`;
    this.#meter.add(batch.notes[index]!, ids);
    return undefined;
  }

  report(): WorkloadReport {
    return { operations: { 'vec-query': this.made }, recall: this.#meter.counts() };
  }
}

/** The record numbers of a reply, nearest first; undefined when it is of another shape. */
function idsOf(reply: RespValue, { dialect, content }: VectorPlan): number[] | undefined {
  if (!isRespArray(reply)) return undefined;
  const from = dialect === 'search' ? 1 : 0;
  if (from === 1 && typeof reply[0] !== 'number') return undefined;
  const ids: number[] = [];
  // With content each key is followed by its fields.
  for (let i = from; i < reply.length; i += content ? 2 : 1) {
    const key = reply[i];
    if (!Buffer.isBuffer(key)) return undefined;
    ids.push(idOfKey(key));
  }
  return ids;
}

/** vec-load, vec-update and vec-delete: record after record, and from the start again when there are more requests. */
class WriteWorkload extends FixedRequests implements Workload {
  readonly readsReplies = false;
  readonly #plan: VectorPlan;
  readonly #blocks: VectorBlocks | undefined;
  readonly #random: Random;

  constructor(plan: VectorPlan, pipeline: number, random: Random) {
    super(plan, pipeline);
    this.#plan = plan;
    this.#random = random;
    if (this.request.vectorAt !== undefined) this.#blocks = new VectorBlocks(plan.dataset.vectors);
  }

  fill(batch: Batch, first: number, stride: number, count: number): number {
    const { bytes, idAt, vectorAt } = this.request;
    for (let i = 0; i < count; i++) {
      const id = (first + i * stride) % this.#plan.dataset.count;
      const at = i * bytes.length;
      writeNumber(batch.bytes, at + idAt!, id, NUMBER_DIGITS);
      if (vectorAt === undefined) continue;
      this.#blocks!.copy(id, batch.bytes, at + vectorAt);
      // A server may skip an update that changes nothing. The lowest byte of one number moves no neighbour (2^-15 of it).
      if (this.#plan.operation === 'vec-update') batch.bytes[at + vectorAt] = this.#random.next() & 0xff;
    }
    this.made += count;
    return count * bytes.length;
  }

  report(): WorkloadReport {
    return { operations: { [this.#plan.operation]: this.made } };
  }

  close(): void {
    this.#blocks?.[Symbol.dispose]();
  }
}
