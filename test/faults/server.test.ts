import { describe, expect, test } from 'vitest';
import { SessionFolder, startLoad, TestFolder } from '../e2e/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { Piped } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

const monitor = (folder: TestFolder, port: number, label = 'out'): Piped =>
  new Piped([
    ...['--hook', 'perf-record', '--profile', 'metrics', '--server-port', String(port)],
    ...['--output-dir', `${folder.path}/${label}`],
  ]);

describe('the server', () => {
  test('killed in a span: what was captured until then is kept, and that it is gone is said', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    await using load = startLoad(server.port);
    void load;
    const piped = monitor(folder, server.port);
    await piped.running.said('perf-record armed');
    await piped.stage('get:before', 400);
    await piped.stage('get:killed', 1_000, () => process.kill(server.pid, 'SIGKILL'));
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([0, piped.sent]);
    expect(ran.stderr).toContain('is gone; looking for it');
    const session = new SessionFolder(`${folder.path}/out`);
    for (const stage of ['get:before', 'get:killed'])
      expect(session.stacks(session.span(stage)).length).toBeGreaterThan(100);
  });

  test('stopped in a span: nothing waits for it, and its figures come when it goes on', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const args = ['--profile', 'server', '--server-port', String(server.port)];
    const piped = new Piped([...args, '--output-dir', `${folder.path}/out`]);
    await piped.running.said('server-metrics armed');
    process.kill(server.pid, 'SIGSTOP');
    try {
      await piped.stage('get', 600);
      await piped.running.said(/server-busy: .*did not answer INFO/);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([0, piped.sent]);
    const { hooks } = new SessionFolder(`${folder.path}/out`).span('get').targets[0]!;
    expect(hooks['server-metrics']!.artifacts.length).toBeGreaterThan(0);
  });
});

test('two monitors on one server: each has its own profile', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  await using load = startLoad(server.port);
  void load;
  const both = ['one', 'two'].map((name) => monitor(folder, server.port, name));
  await Promise.all(both.map((piped) => piped.running.said('perf-record armed')));
  await Promise.all(both.map((piped) => piped.stage('get', 800)));
  for (const [index, piped] of both.entries()) {
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([0, piped.sent]);
    const session = new SessionFolder(`${folder.path}/${['one', 'two'][index]}`);
    expect(session.stacks(session.span('get'))).toContain('aeMain');
  }
});
