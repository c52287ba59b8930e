import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The source of all tests. */
const sources = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(root, 'test', name), 'utf8'))
  .join('\n');

/** The last column of every row of the tables in docs/faults.md. */
const named = readFileSync(join(root, 'docs/faults.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:fault|---)/.test(line))
  .map((line) => line.split('|').at(-2)!.trim());

test('every fault of the table has the test that it names', () => {
  expect(named.length).toBeGreaterThan(45);
  const quoted = (name: string): boolean =>
    ["'", '"', '`'].some((quote) => sources.includes(quote + name + quote));
  expect(named.filter((name) => !quoted(name))).toEqual([]);
});
