import type { FileHandle } from 'node:fs/promises';
import { UsageError } from '../../error.ts';
import type { Dataset, DatasetKeys, VectorBatch } from './dataset.ts';
import { locateDataset, openFile } from './layout-of-file.ts';
import { bytesOf, type DatasetLayout } from './layout.ts';
import type { Metric } from './metric.ts';
import { readFully, VectorReader } from './vector-reader.ts';

const BATCH_BYTES = 4 << 20;

/**
 * Opens a dataset in the schema-driven or in the legacy format. All sizes are verified before anything is allocated
 * or read by them, and every id of the ground truth is below `count`.
 * @param path of the .bin, of the .yaml, or of both without their endings.
 * @param options `metric`: what the user says it is, where the file does not say it, or says it wrong.
 * @throws {UsageError} dataset-missing, dataset-format, dataset-schema, dataset-header, dataset-size,
 * dataset-metric, dataset-ground-truth, dataset-unsupported, dataset-too-large.
 */
export async function openDataset(
  path: string,
  options: { readonly metric?: Metric } = {},
): Promise<Dataset> {
  const located = await locateDataset(path, options.metric);
  const { layout } = located;
  const file = await openFile(located.path);
  try {
    const held = new VectorReader(file, located.path, layout.queries, layout.dim, layout.dtype);
    const queries = await held.read(0, layout.queries.count);
    const groundTruth = await readGroundTruth(file, located.path, layout);
    return new OpenDataset(file, located.path, layout, queries, groundTruth);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class OpenDataset implements Dataset {
  readonly path: string;
  readonly layout: DatasetLayout;
  readonly queries: Float32Array;
  readonly groundTruth: Uint32Array;
  readonly keys?: DatasetKeys;
  readonly #file: FileHandle;
  readonly #reader: VectorReader;
  #closed: Promise<void> | undefined;

  constructor(
    file: FileHandle,
    path: string,
    layout: DatasetLayout,
    queries: Float32Array,
    groundTruth: Uint32Array,
  ) {
    this.#file = file;
    this.path = path;
    this.layout = layout;
    this.queries = queries;
    this.groundTruth = groundTruth;
    this.#reader = new VectorReader(file, path, layout.vectors, layout.dim, layout.dtype);
    if (layout.keys.state === 'pattern') this.keys = layout.keys;
    if (layout.keys.state === 'stored')
      this.keys = { state: 'stored', read: (start, count) => this.#readKeys(start, count) };
  }

  get name(): string {
    return this.layout.name;
  }
  get format(): DatasetLayout['format'] {
    return this.layout.format;
  }
  get count(): number {
    return this.layout.vectors.count;
  }
  get dim(): number {
    return this.layout.dim;
  }
  get dtype(): DatasetLayout['dtype'] {
    return this.layout.dtype;
  }
  get metric(): Metric {
    return this.layout.metric;
  }
  get fieldName(): string {
    return this.layout.fieldName;
  }
  get queryCount(): number {
    return this.layout.queries.count;
  }
  get neighbors(): number {
    return this.layout.groundTruth.neighbors;
  }

  readVectors(start: number, count: number): Promise<Float32Array> {
    return this.#reader.read(start, count);
  }

  readRaw(start: number, count: number): Promise<Uint8Array> {
    return this.#reader.readRaw(start, count);
  }

  readRawQueries(): Promise<Uint8Array> {
    const { queries, dim, dtype } = this.layout;
    return new VectorReader(this.#file, this.path, queries, dim, dtype).readRaw(0, queries.count);
  }

  async *batches(batch?: number): AsyncGenerator<VectorBatch> {
    const size = batch ?? Math.max(1, Math.floor(BATCH_BYTES / (this.dim * bytesOf('f32'))));
    for (let start = 0; start < this.count; start += size) {
      const count = Math.min(size, this.count - start);
      yield { start, count, vectors: await this.readVectors(start, count) };
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#file.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #readKeys(start: number, count: number): Promise<string[]> {
    const { keys, vectors } = this.layout;
    if (keys.state !== 'stored' || start < 0 || count < 0 || start + count > vectors.count)
      throw new RangeError(
        `Expected keys from 0 to ${vectors.count - 1}, got ${start} to ${start + count - 1}`,
      );
    const bytes = Buffer.alloc(count * keys.entryBytes);
    await readFully(this.#file, bytes, keys.offset + start * keys.entryBytes, this.path);
    return Array.from({ length: count }, (_, i) => {
      const entry = bytes.subarray(i * keys.entryBytes, (i + 1) * keys.entryBytes);
      if (keys.lengthPrefix)
        return entry.toString('utf8', 4, 4 + Math.min(entry.readUInt32LE(0), entry.length - 4));
      const end = entry.indexOf(0);
      return entry.toString('utf8', 0, end < 0 ? entry.length : end);
    });
  }
}

/** @throws {UsageError} dataset-ground-truth: an id that is no vector's would make every recall a lie. */
async function readGroundTruth(file: FileHandle, path: string, layout: DatasetLayout): Promise<Uint32Array> {
  const { offset, idBytes, neighbors } = layout.groundTruth;
  const bytes = new Uint8Array(layout.queries.count * neighbors * idBytes);
  await readFully(file, bytes, offset, path);
  const words = new Uint32Array(bytes.buffer);
  const ids = idBytes === 4 ? words : new Uint32Array(words.length / 2);
  for (let i = 0; i < ids.length; i++) {
    const high = idBytes === 4 ? 0 : words[2 * i + 1]!;
    const low = idBytes === 4 ? words[i]! : words[2 * i]!;
    if (high !== 0 || low >= layout.vectors.count) {
      const id = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
      throw new UsageError(
        'dataset-ground-truth',
        `${path}: expected the ids of the ground truth to be 0 to ${layout.vectors.count - 1}, but neighbour ${i % neighbors} of query ${Math.floor(i / neighbors)} is ${id}.`,
      );
    }
    ids[i] = low;
  }
  return ids;
}
