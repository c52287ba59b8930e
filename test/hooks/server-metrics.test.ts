import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { ControlClient } from '../../src/valkey/client.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { ask, startServer } from '../servers/start.ts';
import { HookRig } from './rig.ts';

needs('valkey-server', 'redis-server', 'valkey-benchmark');

const run = promisify(execFile);
const benchmark = (port: number, ...args: string[]): Promise<unknown> =>
  run(locate('valkey-benchmark')!, ['-p', String(port), '-q', '-c', '10', ...args]);

interface Edges {
  readonly start: number;
  readonly end: number;
}
interface ServerJson {
  readonly version: 1;
  readonly state: string;
  readonly windowMs: number;
  readonly commands: {
    readonly processed: number;
    readonly perSecond: number;
    readonly byName: Record<string, { calls: number; usec: number; failedCalls: number; latencyUs?: object }>;
  };
  readonly cpu: {
    userUs: number;
    systemUs: number;
    mainThreadUs: number;
    usPerCommand: number;
    cores: number;
  };
  readonly memory: { usedBytes: Edges; rssBytes: Edges };
  readonly keyspace: {
    hits: number;
    misses: number;
    hitRate: number;
    databases: Record<string, { keys: Edges }>;
  };
  readonly errors: Record<string, number>;
  readonly observer: { calls: number; usec: number };
}

afterEach(() => {
  delete process.env['VALKEYCLI_AUTH'];
});

/** User and system time of a process, µs. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const infoOf = async (port: number, field: string): Promise<string> =>
  new RegExp(`^${field}:(.*)\r`, 'm').exec(await ask(port, 'INFO\r\n'))![1]!;

describe.each(['valkey-server', 'redis-server'] as const)('%s', (program) => {
  test('command counts are what the load sent, without our own', async () => {
    await using server = await startServer({ program });
    await using rig = await HookRig.arm('server-metrics', { hz: 10 }, server.pid);
    await benchmark(server.port, '-t', 'set', '-n', '100');
    const cpuBefore = cpuUs(server.pid);
    const report = await rig.stage('load:1', () =>
      benchmark(server.port, '-t', 'set,get', '-n', '40000', '-r', '1000'),
    );
    const cpuAfter = cpuUs(server.pid);
    const json = rig.json<ServerJson>(report, 'server.json');
    expect(json.state).toBe('whole');
    const { set, get, info } = json.commands.byName;
    expect([set?.calls, get?.calls, info]).toEqual([40_000, 40_000, undefined]);
    // valkey-benchmark asks CONFIG GET before each test.
    const config = json.commands.byName['config|get']?.calls ?? 0;
    expect(json.commands.processed).toBe(80_000 + config);
    expect(json.keyspace.hits + json.keyspace.misses).toBe(40_000);
    expect(get?.latencyUs).toMatchObject({ p50: expect.any(Number), max: expect.any(Number) });
    expect(json.observer.calls).toBeGreaterThan(2);
    // The kernel counts in ticks of 10 ms, at both ends.
    expect(Math.abs(json.cpu.userUs + json.cpu.systemUs - (cpuAfter - cpuBefore))).toBeLessThan(30_000);
    expect(json.cpu.usPerCommand).toBeCloseTo((json.cpu.userUs + json.cpu.systemUs) / (80_000 + config), 6);
    expect(json.cpu.mainThreadUs).toBeLessThanOrEqual(json.cpu.userUs + json.cpu.systemUs + 1_000);
    expect(report.facts).toMatchObject({ counters: 'whole', commands: 80_000 + config });
    expect(rig.warnings).toEqual([]);
  });

  test('memory, keys and RSS agree with INFO and the kernel', async () => {
    await using server = await startServer({ program });
    await using rig = await HookRig.arm('server-metrics', { hz: 0 }, server.pid);
    const report = await rig.stage('fill', async () => {
      await benchmark(server.port, '-t', 'set', '-n', '30000', '-r', '100000', '-d', '500');
      // The server looks at its RSS ten times a second.
      await sleep(250);
    });
    const { memory, keyspace } = rig.json<ServerJson>(report, 'server.json');
    const used = Number(await infoOf(server.port, 'used_memory'));
    expect(Math.abs(memory.usedBytes.end - used)).toBeLessThan(used * 0.05);
    expect(memory.usedBytes.end - memory.usedBytes.start).toBeGreaterThan(10_000_000);
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) * 1_024;
    expect(Math.abs(memory.rssBytes.end - rss)).toBeLessThan(rss * 0.05);
    const size = Number(/:(\d+)/.exec(await ask(server.port, 'DBSIZE\r\n'))![1]);
    expect(keyspace.databases['db0']!.keys.end).toBe(size);
  });
});

test('overlapping stages each have their own counts, and errors are told', async () => {
  await using server = await startServer();
  await using rig = await HookRig.arm('server-metrics', { hz: 0 }, server.pid);
  await ask(server.port, 'SET text 1\r\n');
  const outer = await rig.start('outer');
  await ask(server.port, 'PING\r\n');
  const inner = await rig.start('inner');
  await ask(server.port, 'LPUSH text 1\r\n');
  const [endedInner, endedOuter] = [await rig.stop(inner), await rig.stop(outer)];
  const [outerReport, innerReport] = await rig.collect(endedOuter, endedInner);
  const [outerJson, innerJson] = [outerReport!, innerReport!].map((report) =>
    rig.json<ServerJson>(report, 'server.json'),
  );
  expect(innerJson!.commands.byName).toMatchObject({ lpush: { calls: 1, failedCalls: 1 } });
  expect(innerJson!.commands.processed).toBe(1);
  expect(outerJson!.commands.processed).toBe(2);
  expect(outerJson!.errors).toEqual({ WRONGTYPE: 1 });
});

test('samples go to metrics.ndjson, with the rates of the load', async () => {
  await using server = await startServer();
  await using rig = await HookRig.arm('server-metrics', { hz: 5 }, server.pid);
  await Promise.all([
    benchmark(server.port, '-t', 'get', '-n', '100000'),
    rig.stage('get', () => sleep(1_000)),
  ]);
  await rig.session.flush();
  const rates = rig.metrics.map(({ server }) => (server as { commandsPerSecond: number }).commandsPerSecond);
  expect(rates.length).toBeGreaterThanOrEqual(3);
  expect(Math.max(...rates)).toBeGreaterThan(5_000);
});

test('CONFIG RESETSTAT within a stage is told', async () => {
  await using server = await startServer();
  await using rig = await HookRig.arm('server-metrics', { hz: 0 }, server.pid);
  for (let i = 0; i < 5; i++) await ask(server.port, 'PING\r\n');
  const report = await rig.stage('reset', async () => {
    await ask(server.port, 'CONFIG RESETSTAT\r\n');
    for (let i = 0; i < 7; i++) await ask(server.port, 'PING\r\n');
  });
  const json = rig.json<ServerJson>(report, 'server.json');
  expect(json.state).toBe('reset');
  expect(json.commands.byName['ping']!.calls).toBe(7);
  expect(rig.warnings.map(({ code }) => code)).toEqual(['counters-reset']);
});

test('search indexes are told at both ends, one made within the stage too', async () => {
  await using engine = await startEngine();
  await using rig = await HookRig.arm('server-metrics', { hz: 0, port: engine.port }, engine.pid);
  await using client = new ControlClient({ host: '127.0.0.1', port: engine.port });
  const vector = ['VECTOR', 'HNSW', '6', 'TYPE', 'FLOAT32', 'DIM', '2', 'DISTANCE_METRIC', 'L2'];
  const create = (name: string) =>
    client.ask([['FT.CREATE', name, 'ON', 'HASH', 'PREFIX', '1', `${name}:`, 'SCHEMA', 'e', ...vector]]);
  const add = (key: string) => client.ask([['HSET', key, 'e', 'AAAABBBB']]);
  interface Indexes {
    readonly indexes: Record<string, { numbers: { num_docs: unknown }; vectors: readonly object[] }>;
  }

  const made = await rig.stage('create', async () => void [await create('one'), await add('one:1')]);
  const { indexes } = rig.json<Indexes>(made, 'server.json');
  expect(indexes['one']!.numbers.num_docs).toEqual({ start: null, end: 1 });
  expect(indexes['one']!.vectors).toMatchObject([
    { name: 'e', algorithm: 'HNSW', dimensions: 2, metric: 'L2' },
  ]);
  const filled = await rig.stage('fill', async () => void [await add('one:2'), await add('one:3')]);
  const json = rig.json<Indexes & ServerJson>(filled, 'server.json');
  expect(json.indexes['one']!.numbers.num_docs).toEqual({ start: 1, end: 3 });
  expect(json.commands.byName).toMatchObject({ hset: { calls: 2 } });
  expect(Object.keys(json.commands.byName)).toEqual(['hset']);
});

describe('a server that does not let itself be asked', () => {
  test('wants a password: from the environment, and not in the session', async () => {
    await using server = await startServer({ args: ['--requirepass', 'hunter2'] });
    {
      await using rig = await HookRig.arm('server-metrics', {}, server.pid);
      expect(rig.reason).toMatch(/asks for a password: set VALKEYCLI_AUTH or REDISCLI_AUTH/);
    }
    process.env['VALKEYCLI_AUTH'] = 'wrong';
    {
      await using rig = await HookRig.arm('server-metrics', {}, server.pid);
      expect(rig.reason).toMatch(/refused the user or the password/);
    }
    process.env['VALKEYCLI_AUTH'] = 'hunter2';
    await using rig = await HookRig.arm('server-metrics', {}, server.pid);
    expect(rig.reason).toBeUndefined();
    const report = await rig.stage('get', () => ask(server.port, 'PING\r\n'));
    expect(rig.text(report, 'server.json')).not.toContain('hunter2');
    expect(JSON.stringify(rig.events)).not.toContain('hunter2');
  });

  test('is none', async () => {
    await using server = await startServer();
    const http = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    await using rig = await HookRig.arm('server-metrics', { port }, server.pid);
    http.close();
    expect(rig.reason).toMatch(/no Valkey or Redis server/);
    await using nobody = await HookRig.arm('server-metrics', { port: 1 }, server.pid);
    expect(nobody.reason).toMatch(/127.0.0.1:1: nobody listens there/);
  });

  test('is busy for longer than a hook may take: told, and the next stage is whole', async () => {
    await using server = await startServer({ args: ['--enable-debug-command', 'yes'] });
    await using rig = await HookRig.arm('server-metrics', { hz: 0 }, server.pid);
    const busy = ask(server.port, 'DEBUG SLEEP 2.2\r\n').catch(() => 'it takes longer than ask() waits');
    await sleep(50);
    const first = await rig.stage('busy', () => sleep(10));
    const second = await rig.stage('next', () => ask(server.port, 'PING\r\n'));
    await busy;
    expect(rig.warnings.map(({ code }) => code)).toContain('server-busy');
    expect(rig.reason).toBeUndefined();
    expect(rig.json<ServerJson>(first, 'server.json').state).toBe('whole');
    expect(rig.json<ServerJson>(second, 'server.json').commands.byName['ping']!.calls).toBe(1);
  });

  test('closes our connection: the next stage has a new one, and counts are still right', async () => {
    await using server = await startServer();
    await using rig = await HookRig.arm('server-metrics', { hz: 0 }, server.pid);
    await rig.stage('first', () => sleep(1));
    await ask(server.port, 'CLIENT KILL TYPE normal SKIPME yes\r\n');
    const report = await rig.stage('second', () => ask(server.port, 'PING\r\n'));
    const { state, commands } = rig.json<ServerJson>(report, 'server.json');
    expect([state, commands.processed]).toEqual(['whole', 1]);
  });
});
