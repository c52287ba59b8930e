import { mkdir, open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { stat } from 'node:fs/promises';
import { stringify } from 'yaml';
import { messageOf, UsageError } from '../../error.ts';
import { bytesOf, type VectorSection } from './layout.ts';
import type { Metric } from './metric.ts';

export interface WriterOptions {
  /** Where to: `x` becomes `x.yaml` and `x.bin`; either ending may be given. */
  readonly output: string;
  /** What the dataset is called; without it, the file's name. */
  readonly name?: string;
  readonly description: string;
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
  readonly metric: Metric;
  /** Replace what is there. */
  readonly force?: boolean;
}

/** Field of the vectors, and keys, as other readers of this format expect them. */
const FIELD = 'embedding';
const KEY_PATTERN = 'vec:{id}';

/**
 * Writes a schema-driven dataset: vectors, then queries, then their ground truth, in that order. Nothing has its name
 * before `finish`, and what was not finished is removed.
 */
export class DatasetWriter implements AsyncDisposable {
  /** The vectors written so far, for who reads them back before `finish`. */
  readonly path: string;
  readonly stem: string;
  readonly #file: FileHandle;
  readonly #options: WriterOptions;
  readonly #counts = { vectors: 0, queries: 0, neighbors: 0 };
  #at = 0;
  #isOpen = true;
  #isFinished = false;

  private constructor(stem: string, path: string, file: FileHandle, options: WriterOptions) {
    this.stem = stem;
    this.path = path;
    this.#file = file;
    this.#options = options;
  }

  /** Makes the folder that it is to lie in, too. @throws {UsageError} dataset-exists, dataset-output. */
  static async create(options: WriterOptions): Promise<DatasetWriter> {
    const stem = options.output.replace(/\.(?:bin|ya?ml)$/, '');
    if (!options.force)
      for (const path of [`${stem}.yaml`, `${stem}.bin`])
        if (await stat(path).catch(() => undefined))
          throw new UsageError('dataset-exists', `${path} is there already. Replace it with --force.`);
    const path = `${stem}.bin.${process.pid}.part`;
    try {
      await mkdir(dirname(path), { recursive: true });
      return new DatasetWriter(stem, path, await open(path, 'wx+'), options);
    } catch (cause) {
      throw new UsageError(
        'dataset-output',
        `Expected --output to be a file that can be written, got "${options.output}": ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** The section of the vectors so far. */
  get vectors(): VectorSection {
    const stride = this.#options.dim * bytesOf(this.#options.dtype);
    return { offset: 0, stride, count: this.#counts.vectors };
  }

  /** @param rows vectors: float32, or the bytes as stored. */
  async appendVectors(rows: Float32Array | Uint8Array): Promise<void> {
    if (this.#counts.queries > 0) throw new Error('vectors come before queries');
    this.#counts.vectors += await this.#appendRows(rows);
  }

  async appendQueries(rows: Float32Array | Uint8Array): Promise<void> {
    this.#counts.queries += await this.#appendRows(rows);
  }

  /** @param ids `neighbors` of each query, nearest first. */
  async appendGroundTruth(ids: Uint32Array, neighbors: number): Promise<void> {
    if (ids.length !== this.#counts.queries * neighbors) throw new Error('one row of ids for each query');
    this.#counts.neighbors = neighbors;
    const wide = new Uint32Array(ids.length * 2);
    ids.forEach((id, i) => {
      wide[2 * i] = id;
    });
    await this.#append(new Uint8Array(wide.buffer));
  }

  /** Gives both files their names, the schema last. @returns the path of the schema. */
  async finish(): Promise<string> {
    await this.#file.sync();
    await this.#close();
    const schema = `${this.stem}.yaml`;
    await writeFile(`${this.path}.yaml`, stringify(this.#schema()));
    // Between the two renames an old schema would describe the new data.
    await rm(schema, { force: true });
    await rename(this.path, `${this.stem}.bin`);
    await rename(`${this.path}.yaml`, schema);
    this.#isFinished = true;
    return schema;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    if (this.#isFinished) return;
    await rm(this.path, { force: true });
    await rm(`${this.path}.yaml`, { force: true });
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close();
  }

  async #appendRows(rows: Float32Array | Uint8Array): Promise<number> {
    if (rows instanceof Float32Array && this.#options.dtype === 'f16')
      throw new Error('vectors of half precision are written as they are stored');
    await this.#append(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    return rows.byteLength / this.vectors.stride;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#at);
        done += bytesWritten;
        this.#at += bytesWritten;
      }
    } catch (cause) {
      throw new UsageError('dataset-output', `${this.path}: ${messageOf(cause)}`, { cause });
    }
  }

  #schema(): object {
    const { name, description, dim, dtype, metric } = this.#options;
    const { vectors, queries, neighbors } = this.#counts;
    return {
      version: 1,
      metadata: { name: name ?? basename(this.stem), description },
      record: {
        fields: [
          {
            name: FIELD,
            type: 'vector',
            dtype: dtype === 'f32' ? 'float32' : 'float16',
            dimensions: dim,
          },
        ],
      },
      sections: {
        records: { count: vectors },
        keys: { present: false, pattern: KEY_PATTERN },
        queries: queries > 0 ? { present: true, count: queries, query_fields: [FIELD] } : { present: false },
        ground_truth:
          neighbors > 0
            ? { present: true, neighbors_per_query: neighbors, id_type: 'u64' }
            : { present: false },
      },
      field_metadata: { [FIELD]: { distance_metric: metric } },
    };
  }
}
