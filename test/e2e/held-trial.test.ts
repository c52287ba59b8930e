import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandCalls } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer, type RunningServer } from '../servers/start.ts';
import { runCli, SessionFolder, startCli, TestFolder } from './support.ts';

needs('valkey-server');

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A user's hook that takes long to begin: until then the load is held. */
const slowHook = `
import { defineHook, available, z } from 'stagewatch/hook';
import { setTimeout as sleep } from 'node:timers/promises';
export default defineHook({
  name: 'slow',
  description: 'begins late',
  options: z.object({}),
  target: 'optional',
  probe: async () => available,
  arm: async () => ({
    start: () => sleep(1500),
    stop: async () => {},
    collect: async () => [],
    [Symbol.asyncDispose]: async () => {},
  }),
});
`;

const bench = (outputDir: string, ...args: string[]): string[] => [
  ...['bench', '--driver', 'builtin', '-t', 'get', '-n', '1000', '--output-dir', outputDir, ...args],
];

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s while a trial is held: no request is made, its stage ends, and nothing is left',
  async (signal) => {
    using own = new TestFolder();
    const hook = join(own.path, 'slow.ts');
    writeFileSync(hook, slowHook);
    const out = join(own.path, 'out');
    const running = startCli(bench(out, '-p', String(server.port), '--hook', hook));
    await running.said('[STAGE:START] get:clients_10');
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(stderr).toContain('[STAGE:END] get:clients_10');
    expect((await commandCalls(server.port))['get']).toBeUndefined();
    const session = new SessionFolder(out);
    expect(session.eventsOf('span-start').length).toBe(1);
    expect(session.eventsOf('span-end').length).toBe(1);
    expect(session.eventsOf('trial').map(({ state }) => state)).toEqual(['started', 'failed']);
    expect(session.survivors()).toEqual([]);
  },
);

test('a trial that fails before its load has no markers and no span', async () => {
  using own = new TestFolder();
  const out = join(own.path, 'out');
  const ran = await runCli(bench(out, '-p', String(await freePort())));
  expect(ran.code, ran.stderr).toBe(4);
  expect(ran.stderr).not.toContain('[STAGE:');
  const session = new SessionFolder(out);
  expect(session.eventsOf('trial').map(({ state }) => state)).toContain('failed');
  expect(session.spans).toEqual([]);
  expect((await runCli(['report', session.path])).code).toBe(0);
});
