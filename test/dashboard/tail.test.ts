import fc from 'fast-check';
import { appendFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tail } from '../../src/dashboard/tail.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stagewatch-tail-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const newPath = (): string => join(folder, String(++files));

test('a file that is not there yet is empty, and read once it is', async () => {
  const path = newPath();
  await using tail = new Tail(path);
  expect(await tail.read()).toEqual([]);
  await writeFile(path, 'one\ntwo\n');
  expect(await tail.read()).toEqual(['one', 'two']);
  expect(await tail.read()).toEqual([]);
});

test('however a text is cut into appends, its whole lines come, each once and in order', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', '{', 'ä', '€', '😀', '\r'), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 6 }),
      fc.string({ maxLength: 3, unit: fc.constantFrom('x', 'é') }),
      fc.array(fc.nat(40), { maxLength: 8 }),
      async (lines, rest, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join('') + rest);
        const path = newPath();
        await using tail = new Tail(path);
        const seen: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          // Also in the middle of a character.
          await appendFile(path, bytes.subarray(at, at + cut));
          at += cut;
          seen.push(...(await tail.read()));
        }
        expect(seen).toEqual(lines);
        await appendFile(path, '\n');
        expect(await tail.read()).toEqual([rest]);
      },
    ),
    { numRuns: 60 },
  );
});

test('more than one chunk at once', async () => {
  const path = newPath();
  const lines = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(10_000)}`);
  await writeFile(path, `${lines.join('\n')}\n`);
  await using tail = new Tail(path);
  expect(await tail.read()).toEqual(lines);
});

test('a link that lies where the file should be is not followed', async () => {
  const path = newPath();
  await symlink('/etc/passwd', path);
  await using tail = new Tail(path);
  await expect(tail.read()).rejects.toThrow('ELOOP');
});
