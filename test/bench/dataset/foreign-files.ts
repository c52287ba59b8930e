import { File, ready } from 'h5wasm/node';

export const vectors = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 2, 0],
  [0, 0, 3],
  [4, 4, 4],
];
export const queries = [
  [0.9, 0, 0],
  [4, 4, 5],
];
/** By l2. */
export const nearest = [
  [1, 0],
  [4, 3],
];

/** A file as NumPy saves it. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  data: ArrayBufferView,
  options: { fortran?: boolean } = {},
): Buffer {
  const dict = `{'descr': '${descr}', 'fortran_order': ${options.fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}), }`;
  const header = Buffer.from(`${dict.padEnd(117)}\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const start = Buffer.from('\u0093NUMPY\u0001\u0000', 'latin1');
  return Buffer.concat([start, length, header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** TEXMEX rows: a length, then the numbers. */
export function vecsFile(kind: 'fvecs' | 'bvecs' | 'ivecs', rows: readonly (readonly number[])[]): Buffer {
  const numbers = { fvecs: Float32Array, bvecs: Uint8Array, ivecs: Int32Array }[kind];
  return Buffer.concat(
    rows.flatMap((row) => [
      Buffer.from(Int32Array.of(row.length).buffer),
      Buffer.from(numbers.from(row).buffer),
    ]),
  );
}

export interface Hdf5Parts {
  readonly train?: readonly (readonly number[])[];
  readonly test?: readonly (readonly number[])[];
  readonly neighbors?: readonly (readonly number[])[];
  readonly distance?: string;
  readonly double?: boolean;
}

/** A file in the layout of ann-benchmarks, written by HDF5 itself. */
export async function writeHdf5(path: string, parts: Hdf5Parts): Promise<string> {
  await ready;
  const file = new File(path, 'w');
  const Numbers = parts.double ? Float64Array : Float32Array;
  const add = (
    name: string,
    rows: readonly (readonly number[])[] | undefined,
    data: 'floats' | 'ids',
  ): void => {
    if (!rows) return;
    const flat = data === 'ids' ? Int32Array.from(rows.flat()) : Numbers.from(rows.flat());
    file.create_dataset({ name, data: flat, shape: [rows.length, rows[0]!.length] });
  };
  add('train', parts.train, 'floats');
  add('test', parts.test, 'floats');
  add('neighbors', parts.neighbors, 'ids');
  if (parts.distance !== undefined) file.create_attribute('distance', parts.distance);
  file.flush();
  file.close();
  return path;
}
