import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import {
  cli,
  fixture,
  runCli,
  SessionFolder,
  startCli,
  startLoad,
  TestFolder,
  type Running,
} from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

let server: RunningServer;
let load: AsyncDisposable;
beforeAll(async () => {
  server = await startServer();
  load = startLoad(server.port);
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A monitor on a pipe, armed, with one stage open for a while. */
async function inStage(folder: string): Promise<Running> {
  const running = startCli([
    'monitor',
    '--collect-perf',
    '--server-pid',
    String(server.pid),
    '--output-dir',
    folder,
  ]);
  await running.said('perf-record armed');
  running.child.stdin!.write('[STAGE:START] get:x\n');
  await sleep(500);
  return running;
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  'after %s the open stage is closed and collected, nothing runs on, and the code is %i',
  async (signal, code) => {
    using folder = new TestFolder();
    const running = await inStage(folder.path);
    running.child.kill(signal);
    const ran = await running.ended;
    expect(ran.code, ran.stderr).toBe(code);
    const session = new SessionFolder(folder.path);
    expect(session.span('get:x').state).toBe('unfinished');
    expect(session.stacks(session.span('get:x'))).toContain('aeMain');
    expect(session.survivors()).toEqual([]);
    expect(session.info['state']).toBe('complete');
  },
);

test('a second Ctrl-C skips the collecting and names the command that does it later', async () => {
  using folder = new TestFolder();
  const running = await inStage(folder.path);
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  await sleep(30);
  running.child.kill('SIGINT');
  const ran = await running.ended;
  expect(ran.code, ran.stderr).toBe(130);
  const session = new SessionFolder(folder.path);
  expect(session.survivors()).toEqual([]);
  if (session.info['state'] === 'complete') return; // it had collected before the second one came
  expect(ran.stderr).toContain('stagewatch collect ');
  const collected = await runCli(['collect', session.path]);
  expect(collected.code).toBe(0);
  expect(session.stacks(session.span('get:x'))).toContain('aeMain');
});

test('after SIGKILL nothing runs on, and collect makes the artifacts of what was captured until then', async () => {
  using folder = new TestFolder();
  const running = await inStage(folder.path);
  running.child.kill('SIGKILL');
  await running.ended;
  const session = new SessionFolder(folder.path);
  for (let i = 0; i < 100 && session.survivors().length > 0; i++) await sleep(50);
  expect(session.survivors()).toEqual([]);

  const collected = await runCli(['collect', session.path]);
  expect(collected.stdout.toString()).toContain('1 spans collected');
  expect(collected.code).toBe(0);
  const span = session.span('get:x');
  expect(span.state).toBe('unfinished');
  expect(session.stacks(span)).toContain('aeMain');
  expect(span.targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(50);
  expect(session.info['state']).toBe('recovered');
});

test('a session that is still running is not collected', async () => {
  using folder = new TestFolder();
  const running = await inStage(folder.path);
  const refused = await runCli(['collect', new SessionFolder(folder.path).path]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`still being written by stagewatch with PID ${running.child.pid}`);
  running.child.stdin!.end();
  expect((await running.ended).code).toBe(0);
});

test('a benchmark that crashes in a stage leaves that stage closed and collected, and its exit code', async () => {
  using folder = new TestFolder();
  const ran = await runCli([
    ...['run', '--collect-perf', '--server-pid', String(server.pid), '--output-dir', folder.path, '--'],
    ...[process.execPath, fixture('stages.mjs'), 'start=get', 'gap=300', 'exit=9'],
  ]);
  expect(ran.code, ran.stderr).toBe(9);
  const session = new SessionFolder(folder.path);
  expect(session.span('get').state).toBe('unfinished');
  expect(session.stacks(session.span('get'))).toContain('aeMain');
  expect(session.survivors()).toEqual([]);
});

test('run hands SIGTERM on to the benchmark, and waits for its last words', async () => {
  using folder = new TestFolder();
  const running = startCli([
    ...['run', '--no-hook', 'flamegraph', '--output-dir', folder.path, '--'],
    ...[
      process.execPath,
      '-e',
      `process.on('SIGTERM', () => { console.log('[STAGE:END] get'); process.exit(0); }); console.log('[STAGE:START] get'); setInterval(() => {}, 1000)`,
    ],
  ]);
  for (let i = 0; i < 100; i++) {
    await sleep(50);
    try {
      if (new SessionFolder(folder.path).eventsOf('span-start').length > 0) break;
    } catch {
      continue; // not made yet
    }
  }
  running.child.kill('SIGTERM');
  const ran = await running.ended;
  expect(ran.code, ran.stderr).toBe(143);
  expect(ran.stdout.toString()).toContain('[STAGE:END] get');
  expect(new SessionFolder(folder.path).eventsOf('span-end')).toMatchObject([{ state: 'finished' }]);
});

test('a reader that closes the pipe ends the pass-through, not the profiling', async () => {
  using folder = new TestFolder();
  const monitor = spawn(
    process.execPath,
    [cli, 'monitor', '--collect-perf', '--server-pid', String(server.pid), '--output-dir', folder.path],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let said = '';
  monitor.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => monitor.once('close', (code) => resolve(code)));
  while (!said.includes('perf-record armed')) await sleep(20);
  monitor.stdout.destroy();
  for (let i = 0; i < 50; i++) monitor.stdin.write(`line ${i}\n`);
  monitor.stdin.write('[STAGE:START] get\n');
  await sleep(300);
  monitor.stdin.end('[STAGE:END] get duration=0.300s\n');
  expect(await ended).toBe(0);
  const session = new SessionFolder(folder.path);
  expect(session.span('get').targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(10);
});
