import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Fold } from '../../src/perf/fold.ts';
import { foldData } from '../../src/perf/fold-data.ts';
import { perfEnvironment } from '../../src/perf/run.ts';
import { readScript } from '../../src/perf/script-pass.ts';
import { scriptCommand } from '../../src/perf/script-text.ts';
import { needs } from '../servers/need.ts';

needs('perf');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-fold-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kernelAndUser =
  'for i in 1 2 3; do (ls -lR /usr/lib > /dev/null); head -c 40000000 /dev/zero | md5sum; done';

/** Records a command of a shell. */
function record(name: string, flags: readonly string[], command: string): string {
  const file = join(folder, name);
  const argv = [
    'record',
    '-N',
    '-q',
    '-k',
    'mono',
    '-F',
    '3999',
    ...flags,
    '-o',
    file,
    '--',
    'sh',
    '-c',
    command,
  ];
  const { status, stderr } = spawnSync('perf', argv, {
    encoding: 'utf8',
    env: { ...process.env, ...perfEnvironment },
  });
  if (status !== 0) throw new Error(`perf record: ${stderr}`);
  return file;
}

function newFold(spans = [{ id: 1, startNs: 0n, endNs: 1n << 62n }]): Fold {
  return new Fold({ target: { program: 'sh', pid: 0 }, root: '', rootOf: ({ comm }) => comm, spans });
}

function told(fold: Fold): object {
  const { samples, outside } = fold;
  const spans = fold.spans.map(({ stacks, ...span }) => ({
    ...span,
    lines: [...fold.foldedLines({ ...span, stacks })],
  }));
  return { samples, outside, spans };
}

async function foldWhole(file: string, fold = newFold()): Promise<Fold> {
  expect(await readScript(scriptCommand(file), fold)).toEqual({ error: undefined, unknownLines: 0 });
  return fold;
}

test('asks perf about new addresses alone, and folds as the whole text of perf script does', async () => {
  const file = record('shell.data', ['-e', 'cpu-clock', '-g'], kernelAndUser);
  const fold = newFold();
  expect(await foldData(file, fold)).toEqual({ error: undefined, unknownLines: 0 });
  expect(fold.samples).toBeGreaterThan(100);
  expect(told(fold)).toEqual(told(await foldWhole(file)));
});

test('functions that a runtime compiled while it ran keep their names', async () => {
  const script = join(folder, 'jit.cjs');
  writeFileSync(
    script,
    'function sumUp(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }\nfor (let r = 0; r < 300; r++) sumUp(1e6);',
  );
  const file = record(
    'jit.data',
    ['-e', 'cpu-clock', '-g'],
    `cd ${folder}; exec ${process.execPath} --perf-basic-prof ${script}`,
  );
  const fold = newFold();
  expect(await foldData(file, fold)).toBeDefined();
  expect(told(fold)).toEqual(told(await foldWhole(file)));
  expect(JSON.stringify(told(fold))).toContain('sumUp');
});

test('two recordings of one fold do not share the numbers of their stacks', async () => {
  const [one, two] = ['one', 'two'].map((name, index) =>
    record(
      `${name}.data`,
      ['-e', 'cpu-clock', '-g'],
      index === 0 ? 'ls -lR /usr/lib > /dev/null' : 'md5sum /usr/bin/perf /usr/bin/perl',
    ),
  ) as [string, string];
  const fold = newFold();
  await foldData(one, fold);
  await foldData(two, fold);
  expect(told(fold)).toEqual(told(await foldWhole(two, await foldWhole(one))));
});

test('samples are given to the spans that contain them', async () => {
  const file = record('spans.data', ['-e', 'cpu-clock', '-g'], kernelAndUser);
  const { stdout } = spawnSync('perf', ['script', '-i', file, '-F', 'time', '--ns'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const times = [...stdout.matchAll(/(\d+)\.(\d{9}):/g)].map(([, s = '', ns = '']) => BigInt(s + ns));
  const [first, middle, last] = [0, times.length >> 1, times.length - 1].map((at) => times[at] ?? 0n) as [
    bigint,
    bigint,
    bigint,
  ];
  const spans = [
    { id: 1, startNs: first, endNs: middle },
    { id: 2, startNs: middle + 1n, endNs: last },
    { id: 3, startNs: first + 5n, endNs: last - 5n },
  ];
  const fold = newFold(spans);
  await foldData(file, fold);
  expect(told(fold)).toEqual(told(await foldWhole(file, newFold(spans))));
  expect(fold.spans.map(({ samples }) => samples)).toEqual(
    spans.map(({ startNs, endNs }) => times.filter((time) => time >= startNs && time <= endNs).length),
  );
});

test('of several events the first is folded: their weights do not add up', async () => {
  const file = record('events.data', ['-e', 'cpu-clock,task-clock', '-g'], kernelAndUser);
  const fold = newFold();
  expect(await foldData(file, fold)).toBeDefined();
  const { stdout } = spawnSync('perf', ['script', '-i', file, '-F', 'event,ip'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect(fold.samples).toBe(stdout.match(/cpu-clock/g)?.length);
});

test('what it cannot number it leaves alone: copied stacks, no call chains, no perf.data, a cut one', async () => {
  const dwarf = record(
    'dwarf.data',
    ['-e', 'cpu-clock', '--call-graph', 'dwarf,4096'],
    'md5sum /usr/bin/perf',
  );
  const flat = record('flat.data', ['-e', 'cpu-clock'], 'md5sum /usr/bin/perf');
  const cut = join(folder, 'cut.data');
  writeFileSync(cut, readFileSync(flat).subarray(0, 900));
  const none = join(folder, 'none.data');
  writeFileSync(none, 'PERFILE2');
  for (const file of [dwarf, flat, cut, none]) {
    const fold = newFold();
    expect(await foldData(file, fold)).toBeUndefined();
    expect(fold.samples).toBe(0);
  }
});
