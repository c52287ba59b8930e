import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { buildIdOf, readBuildId } from '../../src/target/build-id.ts';
import { damaged } from '../perf/elf.ts';
import { locate } from '../servers/locate.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-elf-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a program has the build id that readelf shows; one without has none', (context) => {
  const readelf = locate('readelf');
  context.skip(readelf === undefined, 'no readelf');
  for (const program of ['sh', 'grep', 'perf'].flatMap((name) => locate(name) ?? [])) {
    const { stdout } = spawnSync(readelf!, ['-n', program], { encoding: 'utf8' });
    expect(readBuildId(program)).toBe(/Build ID: ([0-9a-f]+)/.exec(stdout)?.[1]);
  }
  expect(buildIdOf(process.pid)).toBe(readBuildId(process.execPath));
});

test('no process, no ELF file: none', () => {
  expect(buildIdOf(4_194_303)).toBeUndefined();
  expect(readBuildId('/proc/self/status')).toBeUndefined();
});

test('a damaged file gives an id of a sane length, or none', () => {
  const good = readFileSync(locate('sh')!);
  fc.assert(
    fc.property(damaged(good), (bytes) => {
      const path = join(folder, 'damaged');
      writeFileSync(path, bytes);
      expect(readBuildId(path) ?? '').toMatch(/^([0-9a-f]{2}){0,64}$/);
    }),
    { numRuns: 200 },
  );
});
