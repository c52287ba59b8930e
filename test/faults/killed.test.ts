import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli, SessionFolder, startLoad, TestFolder } from '../e2e/support.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { Piped, until } from './support.ts';

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

async function armed(folder: TestFolder): Promise<Piped> {
  const args = ['--collect-perf', '--server-pid', String(server.pid), '--output-dir', folder.path];
  const piped = new Piped(args);
  await piped.running.said('flamegraph armed');
  return piped;
}

async function kill(piped: Piped, folder: TestFolder): Promise<SessionFolder> {
  piped.running.child.kill('SIGKILL');
  await piped.running.ended;
  const session = new SessionFolder(folder.path);
  await until(() => session.survivors().length === 0);
  return session;
}

test('killed while armed: nothing runs on, and there is nothing to collect', async () => {
  using folder = new TestFolder();
  const session = await kill(await armed(folder), folder);
  const collected = await runCli(['collect', session.path]);
  expect([collected.code, collected.stdout.toString()]).toEqual([
    0,
    expect.stringContaining('0 spans collected') as string,
  ]);
});

test('killed while collecting: the spans are collected afterwards, each once', async () => {
  using folder = new TestFolder();
  const piped = await armed(folder);
  for (const name of ['get:a', 'get:b']) await piped.stage(name, 400);
  piped.running.child.stdin!.end();
  const events = (): string[] => new SessionFolder(folder.path).events.map(({ type }) => type);
  await until(() => events().includes('collecting'));
  const session = await kill(piped, folder);
  const collected = await runCli(['collect', session.path]);
  expect(collected.code, collected.stderr).toBe(0);
  for (const name of ['get:a', 'get:b']) expect(session.stacks(session.span(name))).toContain('aeMain');
  expect(session.spans).toHaveLength(2);
});
