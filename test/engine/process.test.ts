import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { perfMapOf, removeStalePerfMaps } from '../../src/engine/perf-map.ts';
import { startEngine } from '../../src/engine/start.ts';
import { RawClient } from './raw-client.ts';

const cliPath = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(what: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!what()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** `stagewatch engine` as a user starts it. */
async function startCommand(
  args: readonly string[],
  cwd = tmpdir(),
): Promise<{ command: ChildProcess; port: number; pid: number }> {
  const command = spawn(process.execPath, [cliPath, 'engine', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd,
  });
  const [line] = (await once(command.stdout!, 'data')) as [Buffer];
  const ready = /^stagewatch-engine ready on 127\.0\.0\.1:(\d+) pid (\d+) hnsw=(hnswlib-node|javascript)\n$/;
  const match = ready.exec(line.toString());
  expect(line.toString()).toMatch(ready);
  return { command, port: Number(match?.[1]), pid: Number(match?.[2]) };
}

test('it is a process of its own, with a title and names for perf', async () => {
  const engine = await startEngine();
  expect(readFileSync(`/proc/${engine.pid}/cmdline`, 'utf8')).toMatch(/^stagewatch-engine/);
  expect(readFileSync(`/proc/${engine.pid}/comm`, 'utf8')).toBe('stagewatch-engi\n');
  using client = await RawClient.open(engine.port);
  await client.call('PING');
  await until(() => readFileSync(perfMapOf(engine.pid), 'utf8').includes('dispatch '));
  await engine[Symbol.asyncDispose]();
  expect(await engine.ended).toEqual({ exitCode: 0, signal: null });
  expect(existsSync(perfMapOf(engine.pid))).toBe(false);
});

test('it leaves nothing in the folder that it was started in', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-engine-'));
  try {
    const { command, pid } = await startCommand([], folder);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe(folder);
    command.kill('SIGTERM');
    await once(command, 'close');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('its perf map goes also when it is killed', async () => {
  await using engine = await startEngine();
  process.kill(engine.pid, 'SIGKILL');
  expect(await engine.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(existsSync(perfMapOf(engine.pid))).toBe(false);
});

test('maps of engines whose watchers were killed too go at the next start; those of others stay', () => {
  const [ours, theirs] = [perfMapOf(4_194_300), perfMapOf(4_194_301)];
  writeFileSync(ours, '7f00 10 JS:~serve file:///x/dist/src/engine/main.js:1\n');
  writeFileSync(theirs, '7f00 10 JS:~other file:///x/app.js:1\n');
  try {
    removeStalePerfMaps();
    expect([existsSync(ours), existsSync(theirs)]).toEqual([false, true]);
  } finally {
    for (const path of [ours, theirs]) rmSync(path, { force: true });
  }
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the command ends cleanly on %s, with its clients connected',
  async (signal) => {
    const { command, port, pid } = await startCommand([]);
    using client = await RawClient.open(port);
    expect(await client.call('PING')).toBe('PONG');
    command.kill(signal);
    const [code] = (await once(command, 'exit')) as [number];
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(perfMapOf(pid))).toBe(false);
  },
);

test('the engine itself ends cleanly on SIGTERM, and the command with it', async () => {
  const { command, pid } = await startCommand([]);
  process.kill(pid, 'SIGTERM');
  const [code] = (await once(command, 'exit')) as [number];
  expect(code).toBe(0);
});

test('it ends when whoever started it is killed', async () => {
  const { command, pid } = await startCommand([]);
  command.kill('SIGKILL');
  await until(() => !isAlive(pid));
  expect(existsSync(perfMapOf(pid))).toBe(false);
});

test('--end-with-stdin: it ends when standard input does', async () => {
  const { command, pid } = await startCommand(['--end-with-stdin']);
  command.stdin!.end();
  const [code] = (await once(command, 'exit')) as [number];
  expect(code).toBe(0);
  expect(isAlive(pid)).toBe(false);
});

test('SHUTDOWN ends it', async () => {
  await using engine = await startEngine();
  using client = await RawClient.open(engine.port, 'bytes');
  await client.untilClosed('SHUTDOWN\r\n');
  expect(await engine.ended).toEqual({ exitCode: 0, signal: null });
});

test('a client that broke the protocol is cut off, even if it stays', async () => {
  await using engine = await startEngine();
  using other = await RawClient.open(engine.port);
  const stubborn = connect({ port: engine.port, host: '127.0.0.1', allowHalfOpen: true }).resume();
  stubborn.on('error', () => {});
  stubborn.write('*x\r\n');
  const connected = async (): Promise<string> => String(await other.call('INFO', 'clients'));
  await expect.poll(connected, { timeout: 5000 }).toContain('connected_clients:1\r\n');
  stubborn.destroy();
});

test('what cannot be is told: a taken port, an open address without a password', async () => {
  await using engine = await startEngine();
  await expect(startEngine({ port: engine.port })).rejects.toThrow('EADDRINUSE');
  await expect(startEngine({ bind: '0.0.0.0' })).rejects.toThrow('Expected a password for 0.0.0.0');
  await expect(startEngine({ bind: 'localhost' })).rejects.toThrow('IP address');
});

test('--help says that it is no database', async () => {
  const command = spawn(process.execPath, [cliPath, 'engine', '--help']);
  let output = '';
  command.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(command, 'close');
  expect(output).toContain('NO DATABASE');
});
