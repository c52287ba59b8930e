import { spawn } from 'node:child_process';
import { appendFileSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { cli, runCli, SessionFolder, startCli, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

test('a log is followed from its present end, through rotation and truncation, and profiled', async () => {
  await using server = await startServer();
  await using load = startLoad(server.port);
  void load;
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(log, '[STAGE:START] old\n[STAGE:END] old duration=1.000s\n');
  const running = startCli([
    ...[
      'monitor',
      '--collect-perf',
      '--server-pid',
      String(server.pid),
      '--output-dir',
      join(folder.path, 'out'),
    ],
    log,
  ]);
  await running.said('perf-record armed');
  const stage = async (name: string): Promise<void> => {
    appendFileSync(log, `[STAGE:START] ${name}\n`);
    await sleep(150);
    appendFileSync(log, `[STAGE:END] ${name} duration=0.150s\n`);
    await sleep(50);
  };
  await stage('one');
  renameSync(log, `${log}.1`);
  writeFileSync(log, '');
  await stage('two');
  writeFileSync(log, '');
  await stage('three');
  running.child.kill('SIGINT');
  const ran = await running.ended;
  expect(ran.code, ran.stderr).toBe(130);
  const session = new SessionFolder(join(folder.path, 'out'));
  expect(session.eventsOf('span-start').map(({ stage: name }) => name)).toEqual(['one', 'two', 'three']);
  for (const span of session.spans)
    expect(
      span.targets[0]!.hooks['perf-record']!['samples'],
      JSON.stringify(span, undefined, 1),
    ).toBeGreaterThan(10);
});

test('what a log holds already is history with --from-start: recorded, without hooks', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(log, '[STAGE:START] old\n[STAGE:END] old duration=1.500s\n');
  const out = join(folder.path, 'out');
  const flags = ['--profile', 'metrics', '--idle-timeout', '500ms', '--output-dir', out];
  const ran = await runCli(['monitor', ...flags, '--from-start', log]);
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(out);
  expect(session.eventsOf('span-end')).toMatchObject([{ stage: 'old', history: true, durationMs: 1500 }]);
  expect(session.spans).toEqual([]);
});

test('a finished log that is followed by mistake is told, with the command that reads it', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(log, '[STAGE:START] old\n[STAGE:END] old duration=1.500s\n');
  const flags = ['--profile', 'metrics', '--idle-timeout', '1', '--output-dir', join(folder.path, 'out')];
  const ran = await runCli(['monitor', ...flags, log]);
  expect(ran.stderr).toMatch(/stagewatch stages.*--from-start/);
});

test('a log that is not there yet is waited for, and read from its first byte', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  const out = join(folder.path, 'out');
  const running = startCli([
    'monitor',
    '--profile',
    'metrics',
    '--idle-timeout',
    '2',
    '--output-dir',
    out,
    log,
  ]);
  await running.said(/waiting for it/);
  writeFileSync(log, '[STAGE:START] first\n');
  await sleep(100);
  appendFileSync(log, '[STAGE:END] first\n');
  const ran = await running.ended;
  expect(ran.code, ran.stderr).toBe(0);
  expect(new SessionFolder(out).eventsOf('span-end')).toMatchObject([{ stage: 'first', watched: true }]);
});

test('a log on standard input is passed through, its markers are history, and it ends', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  const text = '[STAGE:START] old\n[STAGE:END] old duration=1.500s\nlast';
  writeFileSync(log, text);
  const again = join(folder.path, 'again');
  const child = spawn(process.execPath, [cli, 'monitor', '--output-dir', again], {
    stdio: [openSync(log, 'r'), 'pipe', 'ignore'],
  });
  let passed = '';
  child.stdout!.on('data', (chunk: Buffer) => (passed += chunk.toString()));
  const code = await new Promise((done) => child.once('close', done));
  expect(passed).toBe(text);
  expect(code).toBe(0);
  expect(new SessionFolder(again).eventsOf('span-end')).toMatchObject([{ stage: 'old', history: true }]);
});
