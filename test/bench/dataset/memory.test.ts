import { expect, test } from 'vitest';
import { TemporaryFolder } from './files.ts';
import { measure } from './memory.ts';

const MIB = 2 ** 20;

test('reading takes no more memory for four times the vectors', async () => {
  using folder = new TemporaryFolder();
  const read = async (count: number): Promise<number> => {
    const path = folder.file(`set-${count}`);
    await measure('make', path, String(count), '128', '10');
    const { vectors, maxRss } = await measure('read', path);
    expect(vectors).toBe(count);
    return maxRss;
  };
  const small = await read(50_000);
  const large = await read(200_000);
  expect(large).toBeLessThan(small + 40 * MIB);
  expect(large).toBeLessThan(250 * MIB);
});
