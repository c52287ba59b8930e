import type { FileHandle } from 'node:fs/promises';
import { UsageError } from '../../error.ts';
import { decodeHalves } from './float16.ts';
import { bytesOf, type VectorSection } from './layout.ts';

/** What is read at once where records hold more than the vector, bytes. */
const BLOCK = 4 << 20;

/** One call's result, bytes: larger sets are read in batches. */
const MAX_READ = 1 << 30;

/** Reads the vectors of one section, wherever they stand in their records. */
export class VectorReader {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #section: VectorSection;
  readonly #dtype: 'f32' | 'f16';
  readonly #vectorBytes: number;
  readonly #dim: number;

  constructor(file: FileHandle, path: string, section: VectorSection, dim: number, dtype: 'f32' | 'f16') {
    this.#file = file;
    this.#path = path;
    this.#section = section;
    this.#dim = dim;
    this.#dtype = dtype;
    this.#vectorBytes = dim * bytesOf(dtype);
  }

  /**
   * Vectors `start` to `start + count - 1`, one behind the other.
   * @throws {RangeError} where there are none. @throws {UsageError} dataset-size, when the file has shrunk.
   */
  async read(start: number, count: number): Promise<Float32Array> {
    const bytes = await this.readRaw(start, count);
    if (this.#dtype === 'f32')
      return new Float32Array(
        bytes.buffer,
        bytes.byteOffset,
        bytes.byteLength / Float32Array.BYTES_PER_ELEMENT,
      );
    const vectors = new Float32Array(count * this.#dim);
    decodeHalves(new Uint16Array(bytes.buffer, bytes.byteOffset, vectors.length), vectors);
    return vectors;
  }

  /** The same as stored, without what stands between the vectors. Little endian, as all machines that we run on. */
  async readRaw(start: number, count: number): Promise<Uint8Array> {
    const { offset, stride, count: all } = this.#section;
    if (!Number.isInteger(start) || !Number.isInteger(count) || start < 0 || count < 0 || start + count > all)
      throw new RangeError(`Expected vectors from 0 to ${all - 1}, got ${start} to ${start + count - 1}`);
    const width = this.#vectorBytes;
    if (count * width > MAX_READ)
      throw new RangeError(
        `Expected to read up to ${Math.floor(MAX_READ / width)} vectors at once, got ${count}`,
      );
    const packed = new Uint8Array(count * width);
    if (stride === width) {
      await readFully(this.#file, packed, offset + start * stride, this.#path);
      return packed;
    }
    const perBlock = Math.max(1, Math.floor(BLOCK / stride));
    const block = new Uint8Array(Math.min(perBlock, count) * stride);
    for (let done = 0; done < count;) {
      const records = Math.min(perBlock, count - done);
      // The last record may end the file before its stride does.
      const part = block.subarray(0, (records - 1) * stride + width);
      await readFully(this.#file, part, offset + (start + done) * stride, this.#path);
      for (let i = 0; i < records; i++)
        packed.set(part.subarray(i * stride, i * stride + width), (done + i) * width);
      done += records;
    }
    return packed;
  }
}

/** @throws {UsageError} dataset-size, when the file ends before. */
export async function readFully(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0)
      throw new UsageError(
        'dataset-size',
        `${path}: the file ended at byte ${position + done}; it has become shorter since it was opened.`,
      );
    done += bytesRead;
  }
}
