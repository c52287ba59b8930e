import { UsageError } from '../../error.ts';
import { expectShape } from './import-source.ts';
import { MatrixFile, type Element } from './matrix-file.ts';
import { readFully } from './vector-reader.ts';

export const NPY_MAGIC = Buffer.from('\u0093NUMPY', 'latin1');

/** NumPy's names of what we read. Single bytes have no order. */
const ELEMENTS: Readonly<Record<string, Element>> = {
  '<f4': 'f32',
  '<f8': 'f64',
  '<f2': 'f16',
  '|u1': 'u8',
  '|i1': 'i8',
  '<i4': 'i32',
  '<u4': 'u32',
  '<i8': 'i64',
  '<u8': 'u64',
};
const BYTES: Readonly<Record<Element, number>> = {
  f32: 4,
  f64: 8,
  f16: 2,
  u8: 1,
  i8: 1,
  i32: 4,
  u32: 4,
  i64: 8,
  u64: 8,
};

/** NumPy writes a line; what is longer is no matrix of numbers. */
const MAX_HEADER = 1 << 16;

/**
 * Opens a .npy file: two dimensions, little endian, in C order.
 * @throws {UsageError} import-npy, import-shape.
 */
export function openNpy(path: string): Promise<MatrixFile> {
  return MatrixFile.open(path, async (file, bytes) => {
    const start = Buffer.alloc(12);
    if (bytes < start.length) throw bad(path, 'its header is truncated');
    await readFully(file, start, 0, path);
    if (!start.subarray(0, NPY_MAGIC.length).equals(NPY_MAGIC)) throw bad(path, 'it does not begin as one');
    const major = start.readUInt8(6);
    if (major < 1 || major > 3) throw bad(path, `its version is ${major}`);
    const at = major === 1 ? 10 : 12;
    const length = major === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
    if (length > MAX_HEADER || at + length > bytes) throw bad(path, 'its header is truncated');
    const header = Buffer.alloc(length);
    await readFully(file, header, at, path);
    const { descr, isFortran, shape } = parseHeader(header.toString('latin1'), path);
    const element = Object.hasOwn(ELEMENTS, descr) ? ELEMENTS[descr] : undefined;
    if (!element)
      throw bad(
        path,
        `its numbers are "${descr}", and not one of ${Object.keys(ELEMENTS).join(', ')}; convert them with astype('<f4')`,
      );
    if (isFortran) throw bad(path, 'it is in Fortran order; save numpy.ascontiguousarray(x)');
    if (shape.length !== 2) throw bad(path, `it has ${shape.length} dimensions, and not rows and columns`);
    const [rows, dim] = shape as [number, number];
    expectShape(path, rows, dim);
    const expected = at + length + rows * dim * BYTES[element];
    if (expected !== bytes)
      throw bad(
        path,
        `its header says ${rows} x ${dim} of ${descr}, ${expected} bytes in all, but the file has ${bytes}`,
      );
    return { element, rows, dim, offset: at + length, rowHead: 0 };
  });
}

/** The header is a Python dictionary with just these keys. */
function parseHeader(
  text: string,
  path: string,
): { descr: string; isFortran: boolean; shape: readonly number[] } {
  const descr = /'descr'\s*:\s*'([^']{1,20})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]{0,200})\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined)
    throw bad(path, 'its header has no plain descr, fortran_order and shape');
  const numbers = shape.split(',').filter((part) => part.trim() !== '');
  return { descr, isFortran: order === 'True', shape: numbers.map((part) => Number.parseInt(part, 10)) };
}

function bad(path: string, what: string): UsageError {
  return new UsageError('import-npy', `${path}: expected a matrix in NumPy's .npy format, but ${what}.`);
}
