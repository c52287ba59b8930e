import { UsageError } from '../../error.ts';
import { expectShape } from './import-source.ts';
import { MatrixFile, type Element } from './matrix-file.ts';
import { readFully } from './vector-reader.ts';

const ELEMENTS: Readonly<Record<string, Element>> = { fvecs: 'f32', bvecs: 'u8', ivecs: 'i32' };
const BYTES = { fvecs: 4, bvecs: 1, ivecs: 4 } as const;

/**
 * Opens fvecs, bvecs or ivecs (TEXMEX): each row is its length as i32, then its numbers.
 * @throws {UsageError} import-shape.
 */
export function openVecs(path: string, kind: 'fvecs' | 'bvecs' | 'ivecs'): Promise<MatrixFile> {
  return MatrixFile.open(path, async (file, bytes) => {
    const head = Buffer.alloc(4);
    if (bytes < 4)
      throw new UsageError('import-shape', `${path}: expected rows of numbers, got ${bytes} bytes.`);
    await readFully(file, head, 0, path);
    const dim = head.readInt32LE(0);
    const stride = 4 + dim * BYTES[kind];
    expectShape(path, Math.max(1, Math.floor(bytes / stride)), dim);
    if (bytes % stride !== 0)
      throw new UsageError(
        'import-shape',
        `${path}: its first row says ${dim} numbers, so ${stride} bytes a row, but ${bytes} bytes are no whole number of rows. It is truncated, or no ${kind} file.`,
      );
    return { element: ELEMENTS[kind]!, rows: bytes / stride, dim, offset: 0, rowHead: 4 };
  });
}
