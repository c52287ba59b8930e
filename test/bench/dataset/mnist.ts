import { createRequire } from 'node:module';
import { importDataset, type Imported, type ImportOptions } from '../../../src/bench/dataset/import.ts';
import type { TemporaryFolder } from './files.ts';
import { npyFile } from './foreign-files.ts';

export const MNIST_IMAGES = 10_000;
export const MNIST_PIXELS = 784;

/** Imports the real digits of the `mnist` package through a .npy file, into `mnist.yaml` of the folder. */
export function importMnist(folder: TemporaryFolder, options: Partial<ImportOptions>): Promise<Imported> {
  // One digit after the other, as the package has them.
  const digits = createRequire(import.meta.url)('mnist') as { raw: number[] }[];
  const pixels = Float32Array.from(digits.slice(0, 10).flatMap(({ raw }) => raw));
  const input = folder.write('mnist.npy', npyFile('<f4', [MNIST_IMAGES, MNIST_PIXELS], pixels));
  return importDataset({ input, output: folder.file('mnist'), metric: 'l2', ...options });
}
