import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readElfSymbols } from '../../src/doctor/elf-symbols.ts';
import { damaged } from '../perf/elf.ts';
import { locate } from '../servers/locate.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

test.for(['perf', 'sh', 'node', 'grep'])(
  '%s: what readelf says of its symbols is said here too',
  (name, context) => {
    const readelf = locate('readelf');
    const program = name === 'node' ? process.execPath : locate(name);
    context.skip(readelf === undefined || program === undefined, 'no readelf, or no such program');
    const { stdout } = spawnSync(readelf!, ['-SW', program!], { encoding: 'utf8' });
    expect(readElfSymbols(program!)).toMatchObject({
      hasSymtab: / SYMTAB /.test(stdout),
      hasDynsym: / DYNSYM /.test(stdout),
    });
    expect(readElfSymbols(program!)?.debugLink !== undefined).toBe(stdout.includes('.gnu_debuglink'));
  },
);

test('what is no ELF file, is not there, or would make us wait says nothing', () => {
  const fifo = join(folder, 'fifo');
  spawnSync('mkfifo', [fifo]);
  for (const path of [
    '/no/such/file',
    folder,
    fifo,
    file('text', Buffer.from('#!/bin/sh\n')),
    file('empty', Buffer.of()),
  ])
    expect(readElfSymbols(path)).toBeUndefined();
});

test('a damaged file never throws, nor makes it read without end', () => {
  const good = readFileSync(locate('sh')!);
  fc.assert(
    fc.property(damaged(good), (bytes) => {
      expect(() => readElfSymbols(file('damaged', bytes))).not.toThrow();
    }),
    { numRuns: 200 },
  );
});
