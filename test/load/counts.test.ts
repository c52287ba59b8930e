import { expect, test } from 'vitest';
import { runLoad } from '../../src/load/load.ts';
import { commandOf, elementsNeeded } from '../../src/load/operations.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { startCluster } from './cluster.ts';
import { ask, commandCalls, customWork, optionsFor, workOf } from './support.ts';

needs('valkey-server');

test.each([
  ['closed loop', {}],
  ['closed loop, pipelined', { pipeline: 16 }],
  ['closed loop, three threads', { threads: 3, pipeline: 3 }],
  ['open loop', { rps: 5000 }],
  ['open loop, pipelined, two threads', { rps: 20_000, threads: 2, pipeline: 8 }],
])('requests are counted as the server counts them: %s', async (_, changes) => {
  await using server = await startServer();
  for (const name of ['get', 'set']) {
    const result = await runLoad(
      optionsFor(server.port, { work: workOf(name), length: { requests: 10_007 }, ...changes }),
    );
    expect(result.requests).toBe(10_007);
    expect(result.operations).toEqual({ [name]: 10_007 });
    expect(result.errorCount).toBe(0);
    expect(result.series.reduce((sum, second) => sum + second.requests, 0)).toBe(10_007);
  }
  expect(await commandCalls(server.port)).toMatchObject({ get: 10_007, set: 10_007 });
});

test('a load that ends by time counts each request too', async () => {
  await using server = await startServer();
  for (const changes of [{ pipeline: 4 }, { threads: 2 }, { rps: 3000 }]) {
    const before = (await commandCalls(server.port))['get'] ?? 0;
    const result = await runLoad(optionsFor(server.port, { length: { durationMs: 400 }, ...changes }));
    expect((await commandCalls(server.port))['get']).toBe(before + result.requests);
    expect(result.durationMs).toBeGreaterThan(380);
    expect(result.open === null || result.requests + result.open.unsent === 1200).toBe(true);
  }
});

test('a mix is made of its parts by their shares', async () => {
  await using server = await startServer();
  const commands = [['get', 0.8] as const, ['set', 0.2] as const].map(([name, share]) =>
    commandOf(name, share, { cluster: false, isRandom: true }),
  );
  const { operations } = await runLoad(
    optionsFor(server.port, {
      work: { kind: 'commands', name: 'mix', commands },
      length: { requests: 20_000 },
      pipeline: 7,
    }),
  );
  expect(await commandCalls(server.port)).toMatchObject(operations);
  expect(operations['get']! + operations['set']!).toBe(20_000);
  expect(operations['set']! / 20_000).toBeCloseTo(0.2, 1);
});

test('every operation leaves the keys that valkey-benchmark leaves', async () => {
  await using server = await startServer();
  const names =
    'ping ping_inline set get incr hset lpush rpush lpop rpop sadd spop zadd zpopmin mset lrange_100';
  for (const name of names.split(' ')) {
    const { errorCount, requests } = await runLoad(
      optionsFor(server.port, { work: workOf(name), length: { requests: 200 }, keyspace: 10 }),
    );
    expect([name, requests, errorCount]).toEqual([name, 200, 0]);
  }
  const keys = await ask(
    server.port,
    'EVAL',
    "local k = redis.call('KEYS', '*') table.sort(k) return table.concat(k, ' ')",
    '0',
  );
  const numbered = (prefix: string): string[] =>
    Array.from({ length: 10 }, (_, i) => `${prefix}:${String(i).padStart(12, '0')}`);
  expect(keys?.split(' ')).toEqual(
    expect.arrayContaining([...numbered('key'), ...numbered('counter'), 'myhash', 'mylist']),
  );
  expect(await ask(server.port, 'GET', 'key:000000000003')).toBe('VXK');
  expect(await ask(server.port, 'HLEN', 'myhash')).toBe('10');
  expect(Number(await ask(server.port, 'LLEN', 'mylist'))).toBeGreaterThanOrEqual(
    elementsNeeded('lrange_100'),
  );
});

test('without a key space all requests use the one key that valkey-benchmark uses then', async () => {
  await using server = await startServer();
  const { keyspace: _, ...options } = optionsFor(server.port, { work: workOf('set') });
  await runLoad(options);
  expect(await ask(server.port, 'DBSIZE')).toBe('1');
  expect(await ask(server.port, 'STRLEN', 'key:__rand_int__')).toBe('3');
});

test('a command of the user has its numbers and its data', async () => {
  await using server = await startServer();
  await runLoad(
    optionsFor(server.port, {
      work: customWork('ZADD', 'board', '__rand_int__', 'p:__rand_int__:__data__'),
      dataBytes: 5,
    }),
  );
  expect(await ask(server.port, 'EVAL', "return redis.call('ZRANGE', 'board', 0, 0)[1]", '0')).toMatch(
    /^p:0{9}\d{3}:.{5}$/,
  );
});

test('in a cluster of three nodes every node gets requests, and all are counted, slots that move included', async () => {
  await using cluster = await startCluster();
  const calls = async (name: string): Promise<number[]> =>
    Promise.all(cluster.ports.map(async (port) => (await commandCalls(port))[name] ?? 0));
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  for (const changes of [{}, { pipeline: 8, threads: 2 }, { rps: 5000 }]) {
    const before = await calls('set');
    const result = await runLoad(
      optionsFor(cluster.ports[0]!, {
        work: workOf('set', true),
        cluster: true,
        length: { requests: 9001 },
        ...changes,
      }),
    );
    expect([result.requests, result.errorCount, result.redirected]).toEqual([9001, 0, 0]);
    const after = await calls('set');
    expect(sum(after) - sum(before)).toBe(9001);
    for (const [i, count] of after.entries()) expect(count).toBeGreaterThan(before[i]!);
  }
  // Without --cluster two of three keys are elsewhere: MOVED is followed, and told.
  const before = sum(await calls('get'));
  const result = await runLoad(optionsFor(cluster.ports[0]!, { length: { requests: 3000 }, pipeline: 4 }));
  expect([result.requests, result.errorCount]).toEqual([3000, 0]);
  expect(result.redirected).toBeGreaterThan(1000);
  expect(result.warnings.map(({ code }) => code)).toEqual(['cluster-node']);
  expect(sum(await calls('get')) - before).toBe(3000);
});

test('slots that move in mid-run are followed, with ASK and MOVED', async () => {
  await using cluster = await startCluster();
  const running = runLoad(
    optionsFor(cluster.ports[0]!, {
      work: workOf('set', true),
      cluster: true,
      length: { durationMs: 2500 },
      keyspace: 50,
    }),
  );
  const moved = await cluster.moveSlots(0, 300);
  const result = await running;
  expect(moved).toBeGreaterThan(0);
  expect(result.errors).toEqual([]);
  expect(result.redirected).toBeGreaterThan(0);
});
