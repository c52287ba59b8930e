import { afterEach, expect, test } from 'vitest';
import { Children } from '../../src/restore/children.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import type { LocalTarget } from '../../src/target/local-target.ts';
import { TargetWatch, type TargetWatchOptions } from '../../src/target/watch.ts';
import { eventually } from '../restore/processes.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer } from '../servers/start.ts';

needs('valkey-server', 'redis-server');

const host = new LocalHost(new Children());
const watches: TargetWatch[] = [];

afterEach(async () => {
  for (const watch of watches.splice(0)) await watch[Symbol.asyncDispose]();
});

async function startWatch(
  options: Pick<TargetWatchOptions, 'query' | 'all' | 'once'>,
): Promise<{ watch: TargetWatch; events: string[]; found: LocalTarget[]; messages: string[] }> {
  const events: string[] = [];
  const found: LocalTarget[] = [];
  const messages: string[] = [];
  const watch = new TargetWatch({
    ...options,
    host,
    found: (target) => {
      events.push(`found ${target.pid}`);
      found.push(target);
    },
    lost: ({ pid }) => void events.push(`lost ${pid}`),
    trouble: (state, message) => {
      events.push(state);
      messages.push(message);
    },
  });
  watches.push(watch);
  await watch.start();
  return { watch, events, found, messages };
}

test('a server that restarts is lost, and found again on its port', async () => {
  const first = await startServer();
  const { watch, events, found } = await startWatch({ query: { by: 'pid', pid: first.pid } });
  expect(events).toEqual([`found ${first.pid}`]);
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  watch.check();
  expect(events.at(-1)).toBe(`lost ${first.pid}`);
  expect(found[0]!.isAlive()).toBe(false);
  await using other = await startServer();
  await using second = await startServer({ port: first.port });
  expect(await eventually(() => events.length === 3)).toBe(true);
  expect(events[2]).toBe(`found ${second.pid}`);
  expect(found[1]!.id).toBe(found[0]!.id);
  expect(watch.targets.map(({ pid }) => pid)).not.toContain(other.pid);
});

test('death is noticed without being asked', async () => {
  const server = await startServer();
  const { events } = await startWatch({ query: { by: 'port', port: server.port } });
  await server[Symbol.asyncDispose]();
  expect(await eventually(() => events.length === 2, 1000)).toBe(true);
  expect(events[1]).toBe(`lost ${server.pid}`);
});

test('another program on the same port is not its successor, unless the port was asked for', async () => {
  const first = await startServer({ program: 'valkey-server' });
  const byPid = await startWatch({ query: { by: 'pid', pid: first.pid } });
  const byPort = await startWatch({ query: { by: 'port', port: first.port } });
  await first[Symbol.asyncDispose]();
  await using second = await startServer({ program: 'redis-server', port: first.port });
  expect(await eventually(() => byPort.events.includes(`found ${second.pid}`))).toBe(true);
  await eventually(() => false, 500);
  expect(byPid.events).toEqual([`found ${first.pid}`, `lost ${first.pid}`]);
});

test('a server that is not there yet is told once, and found when it comes', async () => {
  const port = await freePort();
  const { events, messages } = await startWatch({ query: { by: 'port', port } });
  await eventually(() => false, 800);
  expect(events).toEqual(['missing']);
  expect(messages[0]).toContain(`Expected a process that listens on TCP port ${port}, found none`);
  await using server = await startServer({ port });
  expect(await eventually(() => events.length === 2)).toBe(true);
  expect(events[1]).toBe(`found ${server.pid}`);
});

test('several servers are told with their ports; all of them when asked for', async () => {
  await using first = await startServer();
  await using second = await startServer();
  const { events, messages } = await startWatch({ query: { by: 'name' } });
  expect(events).toEqual(['ambiguous']);
  expect(messages[0]).toMatch(/choose one by --server-port/);
  expect(messages[0]).toContain(`PID ${second.pid}, port ${second.port}: `);
  const all = await startWatch({ query: { by: 'name' }, all: true });
  expect(all.events).toEqual(expect.arrayContaining([`found ${first.pid}`, `found ${second.pid}`]));
});

test('once: does not go on looking', async () => {
  const port = await freePort();
  const { events } = await startWatch({ query: { by: 'port', port }, once: true });
  await using server = await startServer({ port });
  await eventually(() => false, 500);
  expect(server.port).toBe(port);
  expect(events).toEqual(['missing']);
});
