import { stat, type FileHandle } from 'node:fs/promises';
import { messageOf, UsageError } from '../../error.ts';
import { decodeHalves } from './float16.ts';
import { rowsPerBatch, type Rows } from './import-source.ts';
import { openFile } from './layout-of-file.ts';
import { readFully } from './vector-reader.ts';

/** The kinds of numbers that matrices are made of, little endian. */
const ELEMENTS = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array, // decoded below
  u8: Uint8Array,
  i8: Int8Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
export type Element = keyof typeof ELEMENTS;
type Numbers = InstanceType<(typeof ELEMENTS)[Element]>;

/** Rows of equal length, one behind the other, each with some bytes before it. */
export interface MatrixShape {
  readonly element: Element;
  readonly rows: number;
  readonly dim: number;
  /** Where the first row begins, with its head, bytes. */
  readonly offset: number;
  /** Bytes before each row: fvecs repeats the dimensions there. */
  readonly rowHead: 0 | 4;
}

/** A file that is one matrix: fvecs, bvecs, ivecs, npy. */
export class MatrixFile implements Rows {
  readonly path: string;
  readonly shape: MatrixShape;
  readonly notes: readonly string[];
  readonly #file: FileHandle;

  private constructor(path: string, shape: MatrixShape, file: FileHandle) {
    this.path = path;
    this.shape = shape;
    this.#file = file;
    this.notes = shape.element === 'f64' ? [`${path}: float64 was rounded to float32`] : [];
  }

  /** @param readShape finds out what is in there, from the open file and its size. */
  static async open(
    path: string,
    readShape: (file: FileHandle, bytes: number) => Promise<MatrixShape>,
  ): Promise<MatrixFile> {
    const bytes = await sizeOfFile(path);
    const file = await openFile(path);
    try {
      return new MatrixFile(path, await readShape(file, bytes), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get rows(): number {
    return this.shape.rows;
  }
  get dim(): number {
    return this.shape.dim;
  }

  async *batches(): AsyncGenerator<Float32Array> {
    const size = rowsPerBatch(this.dim);
    for (let start = 0; start < this.rows; start += size)
      yield this.#toFloats(await this.#read(start, Math.min(size, this.rows - start)));
  }

  /** All numbers as they are: for ids. Bounded by the caller. */
  readAll(): Promise<Numbers> {
    return this.#read(0, this.rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #read(start: number, count: number): Promise<Numbers> {
    const { element, dim, offset, rowHead } = this.shape;
    const Numbers = ELEMENTS[element];
    const width = dim * Numbers.BYTES_PER_ELEMENT;
    const stride = width + rowHead;
    const bytes = new Uint8Array(count * stride);
    await readFully(this.#file, bytes, offset + start * stride, this.path);
    if (rowHead === 0) return new Numbers(bytes.buffer);
    const head = new DataView(bytes.buffer);
    const packed = new Uint8Array(count * width);
    for (let row = 0; row < count; row++) {
      const said = head.getInt32(row * stride, true);
      if (said !== dim)
        throw new UsageError(
          'import-shape',
          `${this.path}: expected every row to have ${dim} numbers as the first, but row ${start + row} says ${said}.`,
        );
      packed.set(bytes.subarray(row * stride + rowHead, (row + 1) * stride), row * width);
    }
    return new Numbers(packed.buffer);
  }

  #toFloats(numbers: Numbers): Float32Array {
    if (numbers instanceof Float32Array) return numbers;
    const floats = new Float32Array(numbers.length);
    if (this.shape.element === 'f16') decodeHalves(numbers as Uint16Array, floats);
    else for (let i = 0; i < floats.length; i++) floats[i] = Number(numbers[i]!);
    return floats;
  }
}

/** Bytes. @throws {UsageError} dataset-missing, also for what is no regular file. */
export async function sizeOfFile(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
    throw new Error('it is no regular file');
  } catch (cause) {
    throw new UsageError('dataset-missing', `Expected a file to import, got ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
