import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SessionFolder, startLoad, TestFolder } from '../e2e/support.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { Piped, withProgram } from './support.ts';

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

const monitor = (folder: TestFolder, env: NodeJS.ProcessEnv = {}): Piped =>
  new Piped(
    ['--hook', 'perf-record', '--server-pid', String(server.pid), '--output-dir', `${folder.path}/out`],
    {
      env,
    },
  );

const sessionOf = (folder: TestFolder): SessionFolder => new SessionFolder(`${folder.path}/out`);

test('perf killed in a span: what it had recorded is kept', async () => {
  using folder = new TestFolder();
  const piped = monitor(folder);
  await piped.running.said('perf-record armed');
  await piped.stage('get:before', 400);
  await piped.stage('get:killed', 800, () => {
    for (const pid of piped.children('perf')) process.kill(pid, 'SIGKILL');
  });
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
  expect(ran.stderr).toMatch(/hook perf-record .*failed: .*SIGKILL/);
  const session = sessionOf(folder);
  expect(session.stacks(session.span('get:before'))).toContain('aeMain');
  expect(session.survivors()).toEqual([]);
});

test('perf stopped: the span that it did not acknowledge says so, within 2 s', async () => {
  using folder = new TestFolder();
  const piped = monitor(folder);
  await piped.running.said('perf-record armed');
  for (const pid of piped.children('perf')) process.kill(pid, 'SIGSTOP');
  await piped.stage('get', 2_500);
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
  expect(ran.stderr).toMatch(/hook perf-record .*failed: /);
  expect(sessionOf(folder).survivors()).toEqual([]);
});

test('perf never acknowledges: the hook is left out after its 10 s', async () => {
  using folder = new TestFolder();
  const real = execFileSync('sh', ['-c', 'command -v perf']).toString().trim();
  const script = `#!/bin/sh\ncase "$*" in *--control*) exec sleep 60 ;; esac\nexec ${real} "$@"\n`;
  const piped = monitor(folder, withProgram(folder.path, 'perf', script));
  await piped.running.said(/hook perf-record .*failed: /);
  await piped.stage('get', 100);
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
  expect(sessionOf(folder).survivors()).toEqual([]);
});

test('perf too old: the version that is there and the one that is needed', async () => {
  using folder = new TestFolder();
  const piped = monitor(folder, withProgram(folder.path, 'perf', '#!/bin/sh\necho perf version 4.9.1\n'));
  await piped.running.said(/Expected perf [\d.]+ or newer .*found 4\.9\.1/);
  await piped.stage('get', 100);
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([5, piped.sent]);
});
