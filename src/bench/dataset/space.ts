import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../error.ts';
import { mebibytes } from './layout.ts';

/**
 * Refuses work whose result would fill the disk: a slip in a count, or a file that claims terabytes of zeros.
 * @param bytes that are going to be written. @throws {UsageError} dataset-output.
 */
export async function expectSpace(output: string, bytes: number): Promise<void> {
  const folder = dirname(resolve(output));
  const disk = await statfs(folder).catch(() => undefined);
  if (disk && bytes > disk.bavail * disk.bsize)
    throw new UsageError(
      'dataset-output',
      `Expected ${mebibytes(bytes)} of free space for the vectors in ${folder}, found ${mebibytes(disk.bavail * disk.bsize)}.`,
    );
}
