import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { threadsOf } from '../../src/experiment/affinity.ts';
import { formatCpus, onlineCpus, parseCpus } from '../../src/experiment/cpu-list.ts';
import { launcherOf, Placement, type PlacementPlan } from '../../src/experiment/placement.ts';
import { parseRestartCommand } from '../../src/experiment/restart-command.ts';
import { ServerSettings } from '../../src/experiment/settings.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { RestartableServer } from './restartable.ts';

needs('valkey-server');

/** By thread, as the kernel says it. */
const placesOf = (pid: number): Record<number, string> =>
  Object.fromEntries(threadsOf(pid).map(({ tid, cpus }) => [tid, cpus]));

function planFor(port: number, changes: Partial<PlacementPlan>) {
  const events: SessionEvent[] = [];
  const journal = (event: SessionEvent): Promise<void> => Promise.resolve(void events.push(event));
  return {
    events,
    lines: () =>
      events.map((event) =>
        event.type === 'setting' ? `${event.state} ${event.setting} ${event.from}->${event.to}` : event.type,
      ),
    journal,
    open: () => Placement.open({ address: { host: '127.0.0.1', port }, ...changes }, journal),
  };
}

test.each([
  ['0', [0]],
  ['0,2-3', [0, 2, 3]],
  ['3, 1-2,2', [1, 2, 3]],
  ['0-6:2', [0, 2, 4, 6]],
])('a list of CPUs: %s', (text, cpus) => {
  expect(parseCpus(text, '--server-cpus', [0, 1, 2, 3, 4, 5, 6])).toEqual(cpus);
});

test('a list that is none, and CPUs that are not there, are a slip', () => {
  for (const text of ['', 'a', '1-', '3-1', '-1', '0,,1', '0-4:0', '99999'])
    expect(() => parseCpus(text, '--server-cpus', [0, 1])).toThrow(
      /^Expected --server-cpus to be a list of CPUs/,
    );
  expect(() => parseCpus('0,4-5', '--client-cpus', [0, 1, 2, 3])).toThrow(
    'Expected --client-cpus to name CPUs out of 0-3, got 4-5.',
  );
  expect(formatCpus([0, 1, 2, 4, 6, 7])).toBe('0-2,4,6-7');
});

describe.skipIf(onlineCpus().length < 2)('on two CPUs', () => {
  const [first, second] = onlineCpus() as [number, number];

  test('all threads of the server are moved, later ones too, and each goes back to where it was', async () => {
    await using server = await startServer();
    const [, other] = threadsOf(server.pid);
    // A server may have a thread of its own mind.
    execFileSync('taskset', ['-cp', String(second), String(other!.tid)], { stdio: 'ignore' });
    const before = placesOf(server.pid);
    expect(new Set(Object.values(before)).size).toBe(2);
    const { lines, events, open } = planFor(server.port, { serverCpus: [first] });
    {
      await using placement = await open();
      expect(placesOf(server.pid)).toEqual(before);
      await placement.before();
      expect(new Set(Object.values(placesOf(server.pid)))).toEqual(new Set([String(first)]));
      const count = events.length;
      await placement.before();
      expect(events).toHaveLength(count);
    }
    expect(placesOf(server.pid)).toEqual(before);
    const tids = Object.keys(before).map(Number);
    expect(lines().filter((line) => line.startsWith('changing'))).toHaveLength(tids.length);
    expect(lines()).toContain(`restored affinity:${other!.tid} ${second}->${first}`);
    expect(lines().indexOf(`changing affinity:${other!.tid} ${second}->${first}`)).toBeLessThan(
      lines().findIndex((line) => line.startsWith('changed')),
    );
    expect(events.find(({ type }) => type === 'setting')).toMatchObject({
      thread: { pid: server.pid, startTicks: expect.any(Number) as number },
    });
  });

  test('threads that were born in between go where their process was', async () => {
    await using server = await startServer();
    await ask(server.port, 'CONFIG', 'SET', 'jemalloc-bg-thread', 'no');
    const before = placesOf(server.pid);
    const { open } = planFor(server.port, { serverCpus: [first] });
    {
      await using placement = await open();
      await placement.before();
      await ask(server.port, 'CONFIG', 'SET', 'jemalloc-bg-thread', 'yes');
      const born = Object.entries(placesOf(server.pid)).filter(([tid]) => !(tid in before));
      expect(born.length).toBeGreaterThan(0);
      expect(born.map(([, cpus]) => cpus)).toEqual(born.map(() => String(first)));
    }
    const after = Object.values(placesOf(server.pid));
    expect(after.length).toBeGreaterThan(Object.keys(before).length);
    expect(new Set(after)).toEqual(new Set(Object.values(before)));
  });

  test('the server is moved again after a restart, and the benchmark runs where it is told to', async () => {
    await using server = await RestartableServer.start();
    const original = placesOf(server.pid)[server.pid];
    const { events, journal, open } = planFor(server.port, { clientCpus: [second], serverCpus: [first] });
    {
      await using settings = await ServerSettings.open(
        {
          address: { host: '127.0.0.1', port: server.port },
          fixed: {},
          tuned: ['io-threads'],
          restart: parseRestartCommand(server.argv.join(' ')),
          yes: false,
        },
        journal,
      );
      await using placement = await open();
      for (const threads of ['2', '3']) {
        await settings.before({ serverConfig: { 'io-threads': threads } });
        expect(placesOf(server.pid)[server.pid]).toBe(original);
        await placement.before();
        expect(new Set(Object.values(placesOf(server.pid)))).toEqual(new Set([String(first)]));
      }
    }
    expect(new Set(Object.values(placesOf(server.pid)))).toEqual(new Set([original]));
    expect(events.flatMap((event) => (event.type === 'notice' ? event.message : []))).toEqual([
      `the benchmark runs on the CPUs ${second}`,
      ...Array.from(
        { length: 2 },
        () =>
          expect.stringMatching(
            /^valkey-server \(PID \d+\) runs on the CPUs 0, with all of its \d+ threads$/,
          ) as string,
      ),
    ]);
    const [program, ...args] = launcherOf([second]);
    const cpus = execFileSync(program!, [...args, 'grep', 'Cpus_allowed_list', '/proc/self/status'], {
      encoding: 'utf8',
    });
    expect(cpus.split(/\s+/)[1]).toBe(String(second));
  });

  test('a server that is not there, or not here, is told', async () => {
    const server = await startServer();
    const { open } = planFor(server.port, { serverCpus: [first] });
    await using placement = await open();
    await server[Symbol.asyncDispose]();
    await expect(placement.before()).rejects.toMatchObject({ name: 'BenchmarkError', code: 'refused' });
  });
});
