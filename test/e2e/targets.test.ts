import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { runCli, SessionFolder, startCli, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

const input = 'a line\n[STAGE:START] get\n';

test('no server: told once with what was looked for, everything goes through, and the code is 3', async () => {
  using folder = new TestFolder();
  const args = ['monitor', '--collect-perf', '--server-port', '1', '--output-dir', folder.path];
  const running = startCli(args);
  running.child.stdin!.write(input);
  await sleep(300);
  running.child.stdin!.end('[STAGE:END] get\n');
  const ran = await running.ended;
  expect(ran.code, ran.stderr).toBe(3);
  expect(ran.stdout.toString()).toBe(`${input}[STAGE:END] get\n`);
  expect(ran.stderr.match(/listens on TCP port 1, found none/g)?.length).toBe(2); // when it is noticed, and at the end
});

test('without any wish for hooks, a missing server is told and is no failure', async () => {
  using folder = new TestFolder();
  const ran = await runCli(['monitor', '--server-port', '1', '--output-dir', folder.path], { input });
  expect(ran.code, ran.stderr).toBe(0);
});

test('several servers: PID, port and command line of each are listed; --all-servers profiles all of them', async () => {
  await using a = await startServer();
  await using b = await startServer();
  await using loadA = startLoad(a.port);
  await using loadB = startLoad(b.port);
  void [loadA, loadB];
  using folder = new TestFolder();
  const byName = ['monitor', '--collect-perf', '--server-name', 'valkey-server', '--output-dir', folder.path];
  const ambiguous = await runCli(byName, { input });
  expect(ambiguous.code, ambiguous.stderr).toBe(3);
  for (const server of [a, b])
    expect(ambiguous.stderr).toMatch(new RegExp(`PID ${server.pid}, port ${server.port}: .*valkey-server`));
  expect(ambiguous.stderr).toContain('--all-servers');

  using all = new TestFolder();
  const running = startCli(['monitor', '--collect-perf', '--all-servers', '--output-dir', all.path]);
  await running.said(`perf-record armed on localhost-${a.port}`);
  await running.said(`perf-record armed on localhost-${b.port}`);
  running.child.stdin!.write('[STAGE:START] get\n');
  await sleep(400);
  running.child.stdin!.end('[STAGE:END] get\n');
  // Servers of somebody else may be there too, and idle: that is for the code to tell, not for this test.
  await running.ended;
  const span = new SessionFolder(all.path).span('get');
  const mine = span.targets.filter(({ pid }) => pid === a.pid || pid === b.pid);
  expect(mine.map(({ target }) => target).sort()).toEqual(
    [`localhost-${a.port}`, `localhost-${b.port}`].sort(),
  );
  for (const { hooks } of mine) expect(hooks['perf-record']!['samples']).toBeGreaterThan(5);
}, 90_000);

test('a server that restarts is found again on its port, armed again, and the span that it missed says so', async () => {
  using folder = new TestFolder();
  let server = await startServer();
  const { port } = server;
  const running = startCli([
    'monitor',
    '--collect-perf',
    '--server-port',
    String(port),
    '--output-dir',
    folder.path,
  ]);
  await running.said('perf-record armed');
  const stage = async (name: string, ms: number): Promise<void> => {
    running.child.stdin!.write(`[STAGE:START] ${name}\n`);
    await sleep(ms);
    running.child.stdin!.write(`[STAGE:END] ${name}\n`);
    await sleep(30);
  };
  {
    await using load = startLoad(port);
    void load;
    await sleep(200);
    await stage('before', 400);
  }
  await server[Symbol.asyncDispose]();
  await running.said('is gone');
  await stage('missed', 200);
  server = await startServer({ port });
  await running.said(/found[\s\S]*gone[\s\S]*found[\s\S]*perf-record armed/);
  {
    await using load = startLoad(port);
    void load;
    await sleep(200);
    await stage('after', 400);
  }
  running.child.stdin!.end();
  const ran = await running.ended;
  await server[Symbol.asyncDispose]();
  const session = new SessionFolder(folder.path);
  expect(session.span('before').targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(20);
  expect(session.span('after').targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(20);
  expect(session.stacks(session.span('after'))).toMatch(/^valkey-server;/m);
  expect(session.span('missed').targets).toEqual([]);
  expect(ran.code, ran.stderr).toBe(3);
  expect(session.eventsOf('warning')).toMatchObject([
    { code: 'nothing-captured', span: session.span('missed').id },
  ]);
});

test('no server is sought when no hook needs one', async () => {
  await using a = await startServer();
  await using b = await startServer();
  void [a, b];
  using folder = new TestFolder();
  const ran = await runCli(['monitor', '--profile', 'metrics', '--output-dir', folder.path], { input });
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).not.toMatch(/valkey-server/);
});

test('without perf on PATH everything goes through, it is told with what mends it, and the code is 5', async () => {
  await using server = await startServer();
  using folder = new TestFolder();
  const { mkdirSync, symlinkSync } = await import('node:fs');
  const bin = `${folder.path}/bin`;
  mkdirSync(bin);
  symlinkSync('/bin/sh', `${bin}/sh`);
  const out = `${folder.path}/out`;
  const ran = await runCli(
    ['monitor', '--collect-perf', '--server-pid', String(server.pid), '--output-dir', out],
    { input, env: { PATH: bin } },
  );
  expect(ran.stdout.toString()).toBe(input);
  expect(ran.stderr).toMatch(/perf.*(install|linux-perf|linux-tools)/);
  expect(ran.code, ran.stderr).toBe(5);
});
