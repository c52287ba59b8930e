import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { Children } from '../../src/restore/children.ts';
import { readStats } from '../../src/restore/stat.ts';
import { type TargetQuery, findTargets } from '../../src/target/find.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import type { LocalTarget } from '../../src/target/local-target.ts';
import { needs } from '../servers/need.ts';
import { ask, freePort, startServer } from '../servers/start.ts';
import { eventually } from '../restore/processes.ts';

needs('valkey-server', 'redis-server');

const host = new LocalHost(new Children());
const anyServer: TargetQuery = { by: 'name' };
const decoys: ChildProcess[] = [];

afterEach(() => {
  for (const decoy of decoys.splice(0)) process.kill(-decoy.pid!, 'SIGKILL');
});

/** All that a query finds; servers of others may run on this machine too. */
function findAll(query: TargetQuery): readonly LocalTarget[] {
  const result = findTargets(query, host, { all: true });
  return result.state === 'found' ? result.targets : [];
}

/** Something that runs on this machine beside the servers. */
function startDecoy(file: string, args: readonly string[], argv0 = file): number {
  const decoy = spawn(file, args, { argv0, detached: true, stdio: 'ignore' });
  decoys.push(decoy);
  return decoy.pid!;
}

test('a server whose executable is called otherwise', async () => {
  await using server = await startServer({ program: 'valkey-server' });
  const target = findAll(anyServer).find(({ pid }) => pid === server.pid);
  expect(target).toMatchObject({
    id: `localhost-${server.port}`,
    program: 'valkey-server',
    port: server.port,
    name: 'localhost',
  });
  expect(target!.isAlive()).toBe(true);
});

test('a server that runs through its own loader', async () => {
  await using server = await startServer({ program: 'redis-server' });
  const target = findAll(anyServer).find(({ pid }) => pid === server.pid);
  expect(target).toMatchObject({ program: 'redis-server', port: server.port });
  expect(findAll({ by: 'pid', pid: server.pid })[0]).toMatchObject({ program: 'redis-server' });
});

test('the embedded server, and not the command that started it', async () => {
  await using engine = await startEngine();
  const target = findAll(anyServer).find(({ pid }) => pid === engine.pid);
  expect(target).toMatchObject({
    id: `localhost-${engine.port}`,
    program: 'stagewatch-engine',
    port: engine.port,
  });
  expect(findAll(anyServer).map(({ pid }) => pid)).not.toContain(process.pid);
});

test('a server that listens on a Unix socket alone', async () => {
  const port = await freePort();
  await using server = await startServer({ port });
  const socket = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'socket');
  const lone = spawn(server.argv[0]!, ['--port', '0', '--unixsocket', socket, '--save', ''], {
    detached: true,
  });
  decoys.push(lone);
  await once(lone.stdout, 'data');
  const found = (): LocalTarget | undefined => findAll(anyServer).find(({ pid }) => pid === lone.pid);
  expect(await eventually(() => found() !== undefined)).toBe(true);
  expect(found()).toMatchObject({ id: `localhost-pid${lone.pid}`, program: 'valkey-server' });
  expect(found()).not.toHaveProperty('port');
});

test('what only names a server is none', async () => {
  const script = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'valkey-server');
  writeFileSync(script, '#!/bin/sh\nsleep 300\nexit\n', { mode: 0o755 });
  const listener = "require('http').createServer().listen(0, '127.0.0.1')";
  const pids = [
    startDecoy('sh', ['-c', 'sleep 300; exit', 'valkey-server']),
    startDecoy(script, []),
    startDecoy('tail', ['-f', script]),
    // As a port forward does: it listens, and its last word is the name of a server.
    startDecoy(process.execPath, ['-e', listener, 'svc/valkey-server']),
    startDecoy('sleep', ['300'], '/usr/bin/valkey-sentinel'),
    startDecoy('sleep', ['300'], 'ssh: /run/valkey-server [mux]'),
  ];
  await eventually(() => false, 200);
  expect(findAll(anyServer).filter(({ pid }) => pids.includes(pid))).toEqual([]);
});

test('neither is a sentinel', async () => {
  const config = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'sentinel.conf');
  writeFileSync(config, '');
  await using server = await startServer();
  const port = await freePort();
  const sentinel = spawn(server.argv[0]!, [config, '--port', String(port), '--sentinel'], { detached: true });
  decoys.push(sentinel);
  await once(sentinel.stdout, 'data');
  await eventually(() => findAll({ by: 'port', port }).length > 0);
  expect(findAll(anyServer).some(({ pid }) => pid === sentinel.pid)).toBe(false);
});

test('neither is a child that saves to disk', async () => {
  await using server = await startServer({ args: ['--rdb-key-save-delay', '100000'] });
  for (let key = 0; key < 100; key++) await ask(server.port, `SET key:${key} value\r\n`);
  await ask(server.port, 'BGSAVE\r\n');
  const children = (): number[] =>
    readStats()
      .filter(({ ppid }) => ppid === server.pid)
      .map(({ pid }) => pid);
  expect(await eventually(() => children().length > 0)).toBe(true);
  const found = findAll(anyServer).map(({ pid }) => pid);
  expect(children()).toHaveLength(1);
  expect(found).toContain(server.pid);
  expect(found).not.toContain(children()[0]);
  expect(findAll({ by: 'port', port: server.port }).map(({ pid }) => pid)).toEqual([server.pid]);
});

test('several are ambiguous, with what tells them apart, but no passwords', async () => {
  await using first = await startServer();
  await using second = await startServer();
  const result = findTargets(anyServer, host);
  expect(result.state).toBe('ambiguous');
  const { candidates } = result as Extract<typeof result, { state: 'ambiguous' }>;
  expect(candidates).toContainEqual({
    pid: first.pid,
    port: first.port,
    commandLine: expect.stringContaining(`valkey-server 127.0.0.1:${first.port}`),
  });
  expect(candidates.map(({ pid }) => pid)).toContain(second.pid);
});

test('by port: whatever listens there', async () => {
  await using server = await startServer();
  expect(findTargets({ by: 'port', port: server.port }, host)).toMatchObject({
    state: 'found',
    targets: [{ pid: server.pid, program: 'valkey-server', port: server.port }],
  });
  const listener = "require('http').createServer().listen(+process.argv[1], '127.0.0.1')";
  const port = await freePort();
  const pid = startDecoy(process.execPath, ['-e', listener, String(port), '--password', 'secret']);
  expect(await eventually(() => findAll({ by: 'port', port }).length === 1)).toBe(true);
  expect(findAll({ by: 'port', port })[0]).toMatchObject({
    pid,
    program: 'node',
    id: `localhost-${port}`,
    commandLine: expect.stringMatching(/--password \*\*\*$/),
  });
});

test('a port that we listen on ourselves, when asked for', async () => {
  const own = createServer().listen(0, '127.0.0.1');
  await once(own, 'listening');
  const { port } = own.address() as AddressInfo;
  expect(findAll({ by: 'port', port }).map(({ pid }) => pid)).toEqual([process.pid]);
  own.close();
});

test('nothing there: says what was looked for', async () => {
  const gone = spawn('true');
  await once(gone, 'exit');
  expect(findTargets({ by: 'pid', pid: gone.pid! }, host)).toEqual({
    state: 'none',
    lookedFor: `a process with PID ${gone.pid}`,
  });
  const port = await freePort();
  expect(findTargets({ by: 'port', port }, host)).toEqual({
    state: 'none',
    lookedFor: `a process that listens on TCP port ${port}`,
  });
  expect(findTargets({ by: 'name', names: ['no-such-server'] }, host)).toEqual({
    state: 'none',
    lookedFor: 'a process named no-such-server',
  });
});

test('by another name', () => {
  const pid = startDecoy('sleep', ['300'], '/opt/kv/my-server 127.0.0.1:1');
  expect(findTargets({ by: 'name', names: ['my-server'] }, host)).toMatchObject({
    state: 'found',
    targets: [{ pid, program: 'my-server' }],
  });
});
