import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { HELD_FD } from '../../src/load/hold.ts';
import { runLoad } from '../../src/load/load.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer, type RunningServer } from '../servers/start.ts';
import { ask, commandCalls, optionsFor, runCli } from './support.ts';

needs('valkey-server');

let server: RunningServer;
let gets: number;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  gets = await countGets();
});

async function countGets(): Promise<number> {
  return (await commandCalls(server.port))['get'] ?? 0;
}

/** A load that is held as a driver holds it. */
class HeldLoad implements Disposable {
  readonly child: ChildProcess;
  readonly pipe: Duplex;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  said = '';

  constructor(...args: string[]) {
    const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
    this.child = spawn(process.execPath, [main, 'load', '--hold', ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.pipe = this.child.stdio[HELD_FD] as Duplex;
    this.pipe.on('data', (chunk: Buffer) => void (this.said += chunk.toString()));
    this.pipe.on('error', () => 'it may end with our word unread');
    let stderr = '';
    this.child.stderr!.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve({ code, stderr })));
  }

  async isReady(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => this.pipe.once('data', () => resolve())),
      this.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
    ]);
    if (this.said !== 'ready\n') throw new Error(`it said ${this.said}`);
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}

const short = (): string[] => ['-p', String(server.port), '-t', 'get', '-n', '500', '--threads', '2', '-q'];

test('a held load connects, says that it is ready, goes at the word, and says when it has ended', async () => {
  using load = new HeldLoad(...short(), '-c', '7');
  await load.isReady();
  const connected = (await ask(server.port, 'CLIENT', 'LIST'))!.trimEnd().split('\n');
  expect(connected.length).toBeGreaterThanOrEqual(7 + 2); // its own control connection, and the one that asks
  expect(await countGets()).toBe(gets);
  load.pipe.write('go\n');
  expect(await load.ended).toEqual({ code: 0, stderr: '' });
  expect(load.said).toBe('ready\nended\n');
  expect(await countGets()).toBe(gets + 500);
});

test('whoever holds it dies: it ends without a request', async () => {
  using load = new HeldLoad(...short());
  await load.isReady();
  load.pipe.destroy();
  const { code, stderr } = await load.ended;
  expect([code, stderr]).toEqual([4, expect.stringContaining('ended before a reply came')]);
  expect(await countGets()).toBe(gets);
});

test('its holder dies in mid-load: nobody waits for the result, and it ends', async () => {
  using load = new HeldLoad(...short().slice(0, 4), '--duration', '5m', '-q');
  await load.isReady();
  load.pipe.write('go\n');
  await expect.poll(countGets).toBeGreaterThan(gets);
  load.pipe.destroy();
  await load.ended;
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s while it is held ends it without a request', async (signal) => {
  using load = new HeldLoad(...short());
  await load.isReady();
  load.child.kill(signal);
  expect(await load.ended).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143 });
  expect(load.said).toBe('ready\n');
  expect(await countGets()).toBe(gets);
});

test('a server that is lost meanwhile is a load that failed', async () => {
  const other = await startServer();
  using load = new HeldLoad('-p', String(other.port), '-t', 'get', '-q');
  await load.isReady();
  await other[Symbol.asyncDispose]();
  load.pipe.write('go\n');
  expect(await load.ended).toMatchObject({ code: 4, stderr: expect.stringMatching(/lost|reset/) as string });
});

test('one that fails before it is ready never says so', async () => {
  using load = new HeldLoad('-p', String(await freePort()), '-t', 'get');
  expect(await load.ended).toMatchObject({ code: 4 });
  expect(load.said).toBe('');
});

test('it is held as one stage, and by somebody', async () => {
  using load = new HeldLoad('-p', String(server.port), '-t', 'set,get');
  expect(await load.ended).toMatchObject({ code: 2, stderr: expect.stringContaining('set, get') as string });
  const alone = await runCli(['--hold', ...short()]);
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('Expected --hold only') as string });
  expect((await runCli(['--help'])).stdout).not.toContain('--hold');
});

test('in the library: the load waits, and does not begin where the caller throws', async () => {
  const order: string[] = [];
  const options = optionsFor(server.port, { threads: 2, warmupMs: 50 });
  await runLoad(options, undefined, ({ type }) => type !== 'progress' && order.push(type), {
    beforeMeasuring: async () => {
      gets = await countGets();
      order.push('held');
    },
  });
  expect(order).toEqual(['warming-up', 'held', 'started', 'ended']);
  expect(await countGets()).toBe(gets + 1_000);

  const refused = new Error('not now');
  const { warmupMs: _, ...plain } = options;
  await expect(
    runLoad(plain, undefined, () => {}, { beforeMeasuring: () => Promise.reject(refused) }),
  ).rejects.toBe(refused);
  const stop = new AbortController();
  const never = { beforeMeasuring: () => new Promise<void>(() => stop.abort()) };
  await expect(runLoad(plain, stop.signal, () => {}, never)).rejects.toMatchObject({
    code: 'nothing-measured',
  });
  expect(await countGets()).toBe(gets + 1_000);
});
