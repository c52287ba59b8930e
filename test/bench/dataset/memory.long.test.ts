import { expect, test } from 'vitest';
import { TemporaryFolder } from './files.ts';
import { measure } from './memory.ts';

const MIB = 2 ** 20;

test('1,000,000 x 128 is made and read in under 400 MiB', async () => {
  using folder = new TemporaryFolder();
  const path = folder.file('million');
  const made = await measure('make', path, '1000000', '128', '1000');
  expect(made.maxRss).toBeLessThan(400 * MIB);
  const read = await measure('read', path);
  expect(read.vectors).toBe(1_000_000);
  expect(read.maxRss).toBeLessThan(400 * MIB);
});
