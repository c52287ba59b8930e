import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Valkey } from 'iovalkey';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engine/start.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';

needs('valkey-cli', 'valkey-benchmark');

const run = promisify(execFile);
let engine: RunningEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const cli = async (...args: string[]): Promise<string> =>
  (await run(locate('valkey-cli')!, ['-p', String(engine.port), ...args])).stdout;

test('valkey-cli works, in both protocols', async () => {
  expect(await cli('SET', 'from-cli', 'Zoë')).toBe('OK\n');
  expect(await cli('-3', 'GET', 'from-cli')).toBe('Zoë\n');
  await cli('HSET', 'cli-hash', 'a', '1');
  expect(await cli('-3', '--json', 'HGETALL', 'cli-hash')).toBe('{"a":"1"}\n');
  expect(await cli('--scan', '--pattern', 'from-*')).toBe('from-cli\n');
  expect(await cli('INFO', 'server')).toContain(`process_id:${engine.pid}\r\n`);
  expect(await cli('COMMAND', 'COUNT')).toMatch(/^\d+\n$/);
  expect(await cli('CONFIG', 'GET', 'save')).toBe('save\n\n');
  expect(await cli('NOSUCH')).toMatch(/^ERR unknown command 'NOSUCH'/);
});

test('an interactive valkey-cli gets its hints from COMMAND DOCS', async () => {
  expect(await cli('-3', '--json', 'COMMAND', 'DOCS', 'ft.search')).toContain('The nearest vectors.');
});

test('valkey-cli --pipe loads commands in bulk', async () => {
  const child = execFile(locate('valkey-cli')!, ['-p', String(engine.port), '--pipe']);
  let output = '';
  child.stdout!.on('data', (text: string) => (output += text));
  const lines = Array.from({ length: 5000 }, (_, i) => `SET bulk:${i} ${'x'.repeat(100)}\r\n`);
  child.stdin!.end(lines.join(''));
  await new Promise((resolve) => child.once('close', resolve));
  expect(output).toContain('errors: 0, replies: 5000');
});

test('valkey-benchmark runs all its tests without an error, and the counts are right', async () => {
  await cli('FLUSHALL');
  await cli('CONFIG', 'RESETSTAT');
  const args = ['-p', String(engine.port), '-n', '2000', '-r', '100', '--csv'];
  const { stdout, stderr } = await run(locate('valkey-benchmark')!, args);
  expect(stderr).toBe('');
  const rows = stdout.trim().split('\n').slice(1);
  expect(rows.length).toBeGreaterThanOrEqual(20);
  for (const row of rows) expect(Number(row.split('","')[1])).toBeGreaterThan(0);
  const stats = await cli('INFO', 'commandstats');
  for (const name of ['get', 'set', 'incr', 'lpop', 'sadd', 'spop', 'zadd', 'zpopmin', 'mset'])
    expect(stats).toMatch(
      new RegExp(
        `cmdstat_${name}:calls=2000,usec=\\d+,usec_per_call=[\\d.]+,rejected_calls=0,failed_calls=0`,
      ),
    );
});

test('valkey-benchmark with pipelines', async () => {
  await cli('CONFIG', 'RESETSTAT');
  await run(locate('valkey-benchmark')!, [
    '-p',
    String(engine.port),
    '-n',
    '32000',
    '-P',
    '16',
    '-t',
    'get',
    '-q',
  ]);
  expect(await cli('INFO', 'commandstats')).toContain('cmdstat_get:calls=32000,');
});

test('iovalkey works', async () => {
  const client = new Valkey({ port: engine.port, host: '127.0.0.1', connectionName: 'me', db: 1 });
  try {
    expect(await client.set('k', 'v')).toBe('OK');
    expect(await client.getBuffer('k')).toEqual(Buffer.from('v'));
    await client.hset('h', { a: '1', b: '2' });
    expect(await client.hgetall('h')).toEqual({ a: '1', b: '2' });
    expect(await client.pipeline().incr('n').incr('n').exec()).toEqual([
      [null, 1],
      [null, 2],
    ]);
    expect(await client.client('GETNAME')).toBe('me');
    expect(await client.call('FT._LIST')).toEqual([]);
    await expect(client.call('NOSUCH')).rejects.toThrow('unknown command');
  } finally {
    await client.quit();
  }
});
