import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processCpuMs } from '../../src/perf/cpu-time.ts';
import { foldPerfData } from '../../src/perf/fold-run.ts';
import type { FoldSummary } from '../../src/perf/fold-job.ts';
import { ArmedRecord } from '../../src/perf/record.ts';
import { repairPerfData } from '../../src/perf/repair.ts';
import { RecordRotation } from '../../src/perf/rotation.ts';
import type { EndedSpan } from '../../src/stage/span.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { killWriterOf } from './kill.ts';
import { ask } from './load.ts';
import { localTarget } from './local-host.ts';
import { endedSpan } from './span.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'valkey-cli');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-perf-'));
const options = { event: 'cpu-clock', frequency: 999, callGraph: 'fp' } as const;
const server = serverForAll(
  ['--io-threads', '2', '--enable-debug-command', 'local'],
  ['-t', 'set,get', '-r', '50000', '-P', '4'],
);
let files = 0;

beforeAll(() => sleep(300));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const target = (): ReturnType<typeof localTarget> => localTarget(server.pid, 'valkey-server');
const arm = (): Promise<ArmedRecord> =>
  ArmedRecord.arm(target(), { ...options, file: join(folder, `${files++}.data`) });

async function captured(
  record: Pick<ArmedRecord, 'enable' | 'disable'>,
  name: string,
  ms: number,
): Promise<EndedSpan> {
  const startNs = process.hrtime.bigint();
  await record.enable();
  await sleep(ms);
  const endNs = process.hrtime.bigint();
  await record.disable();
  return endedSpan(name, startNs, endNs);
}

function fold(perfData: string[], spans: EndedSpan[]): Promise<FoldSummary> {
  return foldPerfData(target(), { perfData, spans, foldedPath: ({ id }) => join(folder, `${id}.folded`) });
}

const stacksOf = ({ id }: EndedSpan): string => readFileSync(join(folder, `${id}.folded`), 'utf8');

function reported(perfData: string): number {
  const args = [
    'report',
    '-i',
    perfData,
    '--stdio',
    '--no-children',
    '-g',
    'folded,0,caller,count',
    '-s',
    'comm',
  ];
  const { stdout } = spawnSync('perf', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return [...stdout.matchAll(/^(\d+) /gm)].reduce((total, [, count]) => total + Number(count), 0);
}

test('samples lie in their spans, from edge to edge, and none between them', async () => {
  await using record = await arm();
  const spans: EndedSpan[] = [];
  const cpuMs: number[] = [];
  for (const name of ['a', 'b', 'c']) {
    const before = (await processCpuMs(target())) ?? 0;
    spans.push(await captured(record, name, 300));
    cpuMs.push(((await processCpuMs(target())) ?? 0) - before);
    await sleep(50);
  }
  await record.end();
  const summary = await fold([record.options.file], spans);
  expect(record.event).toBe('cpu-clock');
  for (const [index, span] of summary.spans.entries()) {
    // One a millisecond of CPU; /proc counts in steps of 10 ms, and around the capture.
    expect(span.samples).toBeGreaterThan(0.6 * cpuMs[index]! - 20);
    expect(span.samples).toBeLessThan(1.1 * cpuMs[index]! + 20);
    // A server that gets a core at once is seen at once; on a busy machine it may wait for one.
    expect(span.firstSampleMs).toBeLessThan(150);
    expect(span.lastSampleMs).toBeLessThan(150);
  }
  // A disable takes some milliseconds while both cores are busy.
  expect(summary.outside).toBeLessThan(summary.samples / 4);
  expect(summary.errors).toEqual([]);
  expect(stacksOf(spans[0] as EndedSpan)).toMatch(/^valkey-server;.*aeMain/m);
  expect(stacksOf(spans[0] as EndedSpan)).toMatch(/^io_thd;/m);
  expect(statSync(join(folder, `${spans[0]?.id}.folded`)).mode & 0o777).toBe(0o600);
});

test('nested spans share samples, and the totals are those of perf report', async () => {
  await using record = await arm();
  const startNs = process.hrtime.bigint();
  const inner = await captured(record, 'inner', 500);
  const outer = endedSpan('outer', startNs);
  await record.end();
  const summary = await fold([record.options.file], [outer, inner]);
  expect(summary.samples).toBe(reported(record.options.file));
  // Arming leaves some samples of its own, the more the longer a busy machine takes over it.
  expect(summary.spans[0]?.samples).toBeLessThanOrEqual(summary.samples);
  expect(summary.spans[0]?.samples).toBeGreaterThan(0.5 * summary.samples);
  // The rest came before perf acknowledged, while both cores were busy.
  expect(summary.spans[1]?.samples).toBeGreaterThan(0.25 * summary.samples);
  const counts = stacksOf(outer).trimEnd().split('\n');
  expect(counts.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)).toBe(
    summary.spans[0]?.samples,
  );
});

test('a child forked between two spans is apart, and has symbols', async () => {
  await using record = await arm();
  await captured(record, 'before', 20);
  ask(server.port, 'debug', 'populate', '400000', 'filler', '100');
  ask(server.port, 'bgsave');
  const span = await captured(record, 'saving', 300);
  await record.end();
  await fold([record.options.file], [span]);
  expect(stacksOf(span)).toMatch(/^valkey-server child;.*rdbSave/m);
});

test('rotation while spans come and go: each span is whole in one file', async () => {
  const rotated = mkdtempSync(join(folder, 'rotated-'));
  await using rotation = await RecordRotation.arm(target(), { ...options, folder: rotated });
  const spans: [file: string, span: EndedSpan][] = [];
  for (let round = 0; round < 3; round++) {
    const state = { isRotated: false };
    const rotating = rotation.rotate().finally(() => (state.isRotated = true));
    do {
      const { file } = rotation;
      spans.push([file, await captured(rotation, 's', 40)]);
      await sleep(5);
    } while (!state.isRotated);
    await rotating;
  }
  await rotation.end();
  const used = [...new Set(spans.map(([file]) => file))];
  expect(used.length).toBeGreaterThan(1);
  for (const file of used) {
    const inFile = spans.filter(([of]) => of === file).map(([, span]) => span);
    const summary = await fold([file], inFile);
    for (const span of summary.spans) expect(span.samples).toBeGreaterThan(0);
  }
});

test('what a killed perf left is made readable; a good file is not touched', async () => {
  const record = await arm();
  const { file } = record.options;
  const span = await captured(record, 'killed', 800);
  // perf writes what it has when its buffers fill, or at least when it is asked something.
  await sleep(100);
  killWriterOf(file);
  expect(await record.failed).toMatchObject({
    code: 'perf-exited',
    message: expect.stringContaining('SIGKILL'),
  });
  appendFileSync(file, Buffer.from([9, 0, 0, 0, 2, 0, 0xff, 0xff, 1, 2, 3]));
  expect(await repairPerfData(file)).toMatchObject({ state: 'repaired' });
  const summary = await fold([file], [span]);
  expect(summary.errors).toEqual([]);
  expect(summary.samples).toBeGreaterThan(100);
  const before = readFileSync(file);
  expect(await repairPerfData(file)).toEqual({ state: 'good' });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('what is no perf.data, or has no data, is hopeless', async () => {
  expect(await repairPerfData(process.execPath).catch(() => 'refused')).not.toMatchObject({
    state: 'repaired',
  });
  const record = await arm();
  await record.end();
  truncateSync(record.options.file, 60);
  expect(await repairPerfData(record.options.file)).toMatchObject({ state: 'hopeless' });
});

test('a target that exits is told from a perf that fails', async () => {
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  const file = join(folder, `${files++}.data`);
  const record = await ArmedRecord.arm(localTarget(sleeper.pid ?? 0, 'sleep'), { ...options, file });
  sleeper.kill('SIGKILL');
  expect(await record.failed).toMatchObject({ code: 'target-exited' });
  await record.end();
  expect(await repairPerfData(file)).toEqual({ state: 'good' });
});

test('no such process, no such event, no such folder: what perf says, in one line', async () => {
  const gone = localTarget(4_194_303, 'valkey-server');
  const file = join(folder, `${files++}.data`);
  await expect(ArmedRecord.arm(gone, { ...options, file })).rejects.toMatchObject({ code: 'target-exited' });
  await expect(ArmedRecord.arm(target(), { ...options, event: 'nonsense', file })).rejects.toThrow(
    /event syntax error/,
  );
  await expect(ArmedRecord.arm(target(), { ...options, file: join(folder, 'no/perf.data') })).rejects.toThrow(
    /No such file or directory/,
  );
});
