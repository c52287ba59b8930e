import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStats } from '../../src/restore/stat.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { runCli, SessionFolder, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'valkey-cli');

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

test('a stage made by hand lasts as long as it was told, as often as it was told', async () => {
  using folder = new TestFolder();
  const ran = await runCli([
    ...['attach', '--stage', 'get:nightly', '--for', '300ms', '--every', '600ms', '--count', '3'],
    ...['--profile', 'cpu', '--server-pid', String(server.pid), '--output-dir', folder.path],
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const { spans } = new SessionFolder(folder.path);
  expect(spans.map(({ stage, state }) => [stage, state])).toEqual(
    Array.from({ length: 3 }, () => ['get:nightly', 'finished']),
  );
  for (const [i, span] of spans.entries()) {
    expect(span.durationMs).toBeGreaterThanOrEqual(299);
    expect((span.startNs - spans[0]!.startNs) / 1e6).toBeGreaterThan(600 * i - 20);
    expect(span.targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(20);
  }
});

test('a stage lasts until a process ends', async () => {
  using folder = new TestFolder();
  const child = spawn('sleep', ['2.5']);
  const ended = new Promise((done) => child.once('close', done));
  const ran = await runCli([
    ...['attach', '--until-exit', String(child.pid), '--profile', 'cpu'],
    ...['--server-pid', String(server.pid), '--output-dir', folder.path],
  ]);
  await ended;
  expect(ran.code, ran.stderr).toBe(0);
  const [span] = new SessionFolder(folder.path).spans;
  expect(span!.state).toBe('finished');
  expect(span!.durationMs).toBeLessThan(2_600);
});

test.each([
  [['attach'], /--for SECONDS or --until-exit PID/],
  [['attach', '--for', '2', '--every', '1'], /--every to be at least --for/],
  [['attach', '--until-exit', '4194304'], /--until-exit to be a running process/],
  [['attach', '--for', '1', '--stage', 'two words'], /two words/],
  [['attach', '--for', '1', '--cluster'], /--cluster to go with --host/],
])('%j is wrong use', async (args, message) => {
  const ran = await runCli(args);
  expect(ran.stderr).toMatch(message);
  expect(ran.code).toBe(2);
});

test('the server that answers at an address is the one that INFO names, and is identified', async () => {
  using folder = new TestFolder();
  const ran = await runCli([
    ...['attach', '--for', '200ms', '--profile', 'cpu', '-h', '127.0.0.1', '-p', String(server.port)],
    ...['--output-dir', folder.path],
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(folder.path);
  expect(session.span('attach').targets).toMatchObject([{ pid: server.pid }]);
  expect(session.info['targets']).toMatchObject([
    {
      pid: server.pid,
      version: expect.stringMatching(/^valkey \d/),
      buildId: expect.stringMatching(/^[0-9a-f]{40}$/),
    },
  ]);
});

test('a wrong password at an address is told, is code 3, and stands nowhere in the session', async () => {
  await using locked = await startServer({ args: ['--requirepass', 'right-secret'] });
  using folder = new TestFolder();
  const args = [
    'attach',
    '--for',
    '200ms',
    '--profile',
    'cpu',
    '-p',
    String(locked.port),
    '--output-dir',
    folder.path,
  ];
  const refused = await runCli(args, { env: { VALKEYCLI_AUTH: 'planted-wrong-secret' } });
  expect(refused.code, refused.stderr).toBe(3);
  expect(refused.stderr).toMatch(/password|WRONGPASS/i);
  using other = new TestFolder();
  const allowed = await runCli([...args.slice(0, -1), other.path], {
    env: { VALKEYCLI_AUTH: 'right-secret' },
  });
  expect(allowed.code, allowed.stderr).toBe(3); // an idle server has no samples: told, but found
  expect(new SessionFolder(other.path).eventsOf('target')[0]).toMatchObject({
    state: 'found',
    pid: locked.pid,
  });
  for (const path of [new SessionFolder(folder.path).path, new SessionFolder(other.path).path]) {
    const grep = spawn('grep', ['-rE', 'planted-wrong-secret|right-secret', path]);
    expect(await new Promise((done) => grep.once('close', done))).toBe(1);
  }
});

test('a program given by --perf-script runs during stages, with the PID as its argument', async () => {
  using folder = new TestFolder();
  const script = join(folder.path, 'old,tool.sh');
  writeFileSync(script, '#!/bin/sh\necho "pid=$1 stage=$STAGEWATCH_STAGE"\nexec sleep 600\n');
  chmodSync(script, 0o755);
  const out = join(folder.path, 'out');
  const ran = await runCli([
    ...['attach', '--stage', 'get', '--for', '400ms', '--perf-script', script],
    ...['--server-pid', String(server.pid), '--output-dir', out],
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(out);
  const span = session.span('get');
  const said = readFileSync(join(span.folder, span.targets[0]!.target, 'command.stdout'), 'utf8');
  expect(said).toBe(`pid=${server.pid} stage=get\n`);
  expect(session.survivors()).toEqual([]);
});

test('a server in a container is found through its PID namespace', async (context) => {
  using folder = new TestFolder();
  const { locate } = await import('../servers/locate.ts');
  const { freePort } = await import('../servers/start.ts');
  const port = await freePort();
  const contained = spawn(
    'unshare',
    [
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      locate('valkey-server')!,
      '--port',
      String(port),
      '--save',
      '',
    ],
    { stdio: 'ignore' },
  );
  try {
    let inside: number | undefined;
    for (let i = 0; i < 100 && inside === undefined && contained.exitCode === null; i++) {
      await new Promise((tick) => setTimeout(tick, 50));
      inside = readStats().find((stat) => stat.ppid === contained.pid)?.pid;
    }
    if (inside === undefined) return context.skip('no PID namespace can be made here');
    const bin = join(folder.path, 'bin');
    mkdirSync(bin);
    // No container engine runs here: what it would answer is all that is asked of it.
    writeFileSync(join(bin, 'docker'), `#!/bin/sh\n[ "$4" = db ] && echo ${inside}\n`, { mode: 0o755 });
    const out = join(folder.path, 'out');
    const ran = await runCli(
      ['attach', '--for', '200ms', '--profile', 'metrics', '--container', 'db', '--output-dir', out],
      {
        env: { PATH: `${bin}:${process.env['PATH']}` },
      },
    );
    expect(ran.code, ran.stderr).toBe(0);
    const session = new SessionFolder(out);
    expect(session.eventsOf('target')[0]).toMatchObject({ state: 'found', pid: inside });
  } finally {
    contained.kill('SIGKILL');
  }
});

test('all nodes of a local cluster are profiled at once', async () => {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000'];
  await using a = await startServer({ args: cluster });
  await using b = await startServer({ args: cluster });
  const { ask } = await import('../servers/start.ts');
  await ask(a.port, `CLUSTER MEET 127.0.0.1 ${b.port}\r\n`);
  for (let i = 0; i < 100; i++) {
    if ((await ask(a.port, 'CLUSTER NODES\r\n')).split('connected').length > 2) break;
    await new Promise((tick) => setTimeout(tick, 100));
  }
  using folder = new TestFolder();
  await runCli([
    ...['attach', '--for', '300ms', '--profile', 'metrics', '--hook', 'threads', '--cluster'],
    ...['-p', String(a.port), '--output-dir', folder.path],
  ]);
  const span = new SessionFolder(folder.path).span('attach');
  expect(span.targets.map(({ pid }) => pid).sort()).toEqual([a.pid, b.pid].sort());
});
