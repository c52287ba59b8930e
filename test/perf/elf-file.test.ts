import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { ElfFile } from '../../src/perf/elf-file.ts';
import { locate } from '../servers/locate.ts';
import { damaged } from './elf.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const shell = readFileSync(locate('sh')!);

/** All that can be asked of it. */
const readAll = (path: string): string[] | undefined =>
  ElfFile.read(path, (elf) => {
    for (const segment of elf.segments() ?? []) elf.bytesOf(segment);
    return elf.sections()?.map((section) => {
      elf.bytesOf(section);
      return section.name;
    });
  });

test('sections and segments are those that readelf shows', (context) => {
  const readelf = locate('readelf');
  context.skip(readelf === undefined, 'no readelf');
  const { stdout } = spawnSync(readelf!, ['-hSW', locate('sh')!], { encoding: 'utf8' });
  const names = [...stdout.matchAll(/^ {2}\[ *\d+\] (\S*) +[A-Z_]+ +[0-9a-f]{16}/gm)].map(([, name]) => name);
  const listed = readAll(locate('sh')!)!.filter((name) => name !== '');
  expect(listed).toEqual(names.filter((name) => name !== 'NULL' && name !== ''));
  const count = ElfFile.read(locate('sh')!, (elf) => elf.segments()?.length);
  expect(count).toBe(Number(/Number of program headers: +(\d+)/.exec(stdout)?.[1]));
});

test('what is not there, no file, no ELF file, or one of other machines is not read', () => {
  const fifo = join(folder, 'fifo');
  spawnSync('mkfifo', [fifo]);
  const narrow = Buffer.from(shell);
  narrow[4] = 1;
  const bigEndian = Buffer.from(shell);
  bigEndian[5] = 2;
  for (const path of [
    '/no/such/file',
    folder,
    fifo,
    '/dev/zero',
    file('text', Buffer.from('#!/bin/sh\n'.repeat(20))),
    file('empty', Buffer.of()),
    file('short', shell.subarray(0, 63)),
    file('narrow', narrow),
    file('big', bigEndian),
  ])
    expect(ElfFile.read(path, () => 'read')).toBeUndefined();
});

test('headers that point outside, or claim sizes beyond reason, give nothing', () => {
  const outside = Buffer.from(shell);
  outside.writeBigUInt64LE(2n ** 64n - 1n, 32);
  outside.writeBigUInt64LE(BigInt(shell.length - 10), 40);
  const path = file('outside', outside);
  expect(ElfFile.read(path, (elf) => [elf.segments(), elf.sections()])).toEqual([undefined, undefined]);
  ElfFile.read(path, (elf) => {
    expect(elf.bytesOf({ offset: 0, bytes: 2 ** 40 })).toBeUndefined();
    expect(elf.bytesOf({ offset: -1, bytes: 1 })).toBeUndefined();
    expect(elf.bytesOf({ offset: shell.length - 1, bytes: 2 })).toBeUndefined();
    expect(elf.bytesOf({ offset: shell.length - 1, bytes: 1 })).toHaveLength(1);
  });
});

test('a damaged file never makes it throw', () => {
  fc.assert(
    fc.property(damaged(shell), (bytes) => {
      expect(() => readAll(file('damaged', bytes))).not.toThrow();
    }),
    { numRuns: 200 },
  );
});

test('what the reader of a file throws leaves no file open', () => {
  const open = (): number => Number(spawnSync('sh', ['-c', `ls /proc/${process.pid}/fd | wc -l`]).stdout);
  const before = open();
  for (let at = 0; at < 50; at++)
    expect(
      ElfFile.read(locate('sh')!, () => {
        throw new Error('damaged');
      }),
    ).toBeUndefined();
  expect(open()).toBeLessThan(before + 25);
});
