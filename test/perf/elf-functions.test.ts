import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readElfFunctions } from '../../src/perf/elf-functions.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-elf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An ELF file of one code segment, at offset 0x1000 and address 0x5000, and functions at these addresses. */
function elf(functions: readonly number[]): Buffer {
  const tableAt = 0x200;
  const tableAddress = 0x200;
  const table = Buffer.alloc(12 + functions.length * 8);
  table.set([1, 0x1b, 0x03, 0x3b]);
  table.writeUInt32LE(functions.length, 8);
  functions.forEach((address, index) => table.writeInt32LE(address - tableAddress, 12 + index * 8));
  const file = Buffer.alloc(0x2000);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  segment(64, 1, 0x1000, 0x5000, 0x1000);
  segment(120, 0x6474e550, tableAt, tableAddress, table.length);
  file.set(table, tableAt);
  return file;

  function segment(at: number, type: number, offset: number, address: number, bytes: number): void {
    file.writeUInt32LE(type, at);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(BigInt(address), at + 16);
    file.writeBigUInt64LE(BigInt(bytes), at + 32);
  }
}

function read(bytes: Buffer): ReturnType<typeof readElfFunctions> {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  return readElfFunctions(path);
}

test('an offset in a file becomes the address at which its function starts', () => {
  const functions = read(elf([0x5000, 0x5100, 0x5180]));
  expect(functions?.functionAt(0x10ff)).toBe(0x5000);
  expect(functions?.functionAt(0x1100)).toBe(0x5100);
  expect(functions?.functionAt(0x1fff)).toBe(0x5180);
  expect(functions?.functionAt(0x3000)).toBeUndefined();
});

test('a file that is cut, altered or no ELF file is read without a throw', () => {
  const whole = elf([0x5000, 0x5100, 0x5180]);
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.array(fc.tuple(fc.nat(0x240), fc.nat(255)), { maxLength: 6 }),
      (length, changes) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        read(bytes)?.functionAt(0x1100);
      },
    ),
  );
  expect(readElfFunctions(join(folder, 'absent'))).toBeUndefined();
  expect(readElfFunctions(folder)).toBeUndefined();
  expect(readElfFunctions('/dev/zero')).toBeUndefined();
});

test('a real program has functions', () => {
  expect(readElfFunctions(process.execPath)).toBeDefined();
});
