import { closeSync, openSync, readSync } from 'node:fs';
import { decodeHalves } from '../bench/dataset/float16.ts';
import { UsageError } from '../error.ts';

export interface VectorsOnDisk {
  readonly path: string;
  /** Of the first vector, bytes. */
  readonly offset: number;
  /** From one vector to the next, bytes. */
  readonly stride: number;
  readonly count: number;
  readonly dim: number;
  readonly dtype: 'f32' | 'f16';
}

/** Read at once: large enough that the disk is not the limit, small beside 400 MB. */
const BLOCK_BYTES = 1 << 20;

/**
 * Gives vectors by id, as float32, from one block that is read when it is needed. Ids mostly come in order: a block is
 * read once, and a read takes less than a millisecond out of the page cache.
 */
export class VectorBlocks implements Disposable {
  readonly #file: number;
  readonly #from: VectorsOnDisk;
  readonly #perBlock: number;
  readonly #raw: Uint8Array;
  readonly #vectors: Uint8Array;
  #block = -1;

  constructor(from: VectorsOnDisk) {
    this.#from = from;
    this.#perBlock = Math.max(1, Math.floor(BLOCK_BYTES / from.stride));
    this.#raw = new Uint8Array(this.#perBlock * from.stride);
    this.#vectors = new Uint8Array(this.#perBlock * from.dim * 4);
    this.#file = openSync(from.path, 'r');
  }

  /** Writes the float32 bytes of one vector. */
  copy(id: number, into: Uint8Array, at: number): void {
    const block = Math.floor(id / this.#perBlock);
    if (block !== this.#block) this.#read(block);
    const width = this.#from.dim * 4;
    const begin = (id - block * this.#perBlock) * width;
    into.set(this.#vectors.subarray(begin, begin + width), at);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #read(block: number): void {
    const { offset, stride, count, dim, dtype, path } = this.#from;
    const first = block * this.#perBlock;
    const records = Math.min(this.#perBlock, count - first);
    const bytes = dim * (dtype === 'f32' ? 4 : 2);
    // The last record may end the file before its stride does.
    const wanted = (records - 1) * stride + bytes;
    for (let done = 0; done < wanted;) {
      const read = readSync(this.#file, this.#raw, done, wanted - done, offset + first * stride + done);
      if (read === 0) throw new UsageError('dataset-size', `${path} has become shorter since it was opened.`);
      done += read;
    }
    for (let i = 0; i < records; i++) {
      const raw = this.#raw.subarray(i * stride, i * stride + bytes);
      if (dtype === 'f32') this.#vectors.set(raw, i * bytes);
      // A copy, since a record may begin anywhere and halves must be aligned.
      else
        decodeHalves(
          new Uint16Array(raw.slice().buffer),
          new Float32Array(this.#vectors.buffer, i * dim * 4, dim),
        );
    }
    this.#block = block;
  }
}
