import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import type { Driver, RunObserver } from '../../../src/bench/driver.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { readProcesses } from '../../e2e/processes.ts';
import { commandCalls } from '../../load/support.ts';
import { locate } from '../../servers/locate.ts';
import { needs } from '../../servers/need.ts';
import { freePort, startServer, type RunningServer } from '../../servers/start.ts';

needs('valkey-server', 'valkey-benchmark');

const never = new AbortController().signal;
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

const config = (settings: BenchmarkSettings = {}): BenchmarkConfig =>
  new BenchmarkConfig({ port: server.port, operation: 'get', numRequests: 2_000, ...settings });

/** What it was told, in order. */
class Told implements RunObserver {
  readonly words: string[] = [];
  begin = async (): Promise<void> => void this.words.push('begin');
  end = async (): Promise<void> => {
    this.words.push('end begins');
    await sleep(100);
    this.words.push('end');
  };
}

describe.each(['builtin', 'valkey-benchmark'])('%s', (name) => {
  let driver: Driver;
  beforeAll(async () => {
    const how = name === 'builtin' ? { driver: name } : { binary: locate(name)! };
    driver = (await findDriver({ operation: 'get', ...how })).driver;
  });

  test('tells of its load once, and waits for the answers', async () => {
    const told = new Told();
    await driver.run(config(), never, told);
    expect(told.words).toEqual(['begin', 'end begins', 'end']);
    expect(await countGets()).toBe(gets + 2_000);
    // Nobody has to be told.
    await driver.run(config(), never);
    expect(await countGets()).toBe(gets + 4_000);
  });

  test('a run that fails before its load has no such window', async () => {
    const told = new Told();
    const nowhere = config({ port: await freePort() });
    await expect(driver.run(nowhere, never, told)).rejects.toMatchObject({ code: 'refused' });
    await expect(driver.run(config({ operation: 'no-such' }), never, told)).rejects.toThrow('no-such');
    expect(told.words).toEqual([]);
  });

  test('an abort before the observer has answered ends it without a request', async () => {
    const told = new Told();
    const stop = new AbortController();
    told.begin = () => new Promise<void>(() => setTimeout(() => stop.abort(), 50));
    await expect(driver.run(config(), stop.signal, told)).rejects.toMatchObject({ code: 'aborted' });
    expect(told.words).toEqual(['end begins', 'end']);
    expect(await countGets()).toBe(gets);
  });

  test('an observer that throws ends it, and is heard', async () => {
    const told = new Told();
    const refused = new Error('no stage');
    await expect(driver.run(config(), never, { ...told, begin: () => Promise.reject(refused) })).rejects.toBe(
      refused,
    );
    expect(await countGets()).toBe(gets);
    const late = driver.run(config(), never, { ...told, end: () => Promise.reject(refused) });
    await expect(late).rejects.toBe(refused);
  });

  test('a load that is cut short ends its window', async () => {
    const stop = new AbortController();
    const told = new Told();
    const endless = config(name === 'builtin' ? { durationMs: 60_000 } : { numRequests: 100_000_000 });
    const running = driver.run(endless, stop.signal, told);
    await expect.poll(countGets).toBeGreaterThan(gets);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(told.words).toEqual(['begin', 'end begins', 'end']);
  });
});

test('the built-in load that fails in its own preparations has no window, and one that is killed while held ends it', async () => {
  const { driver } = await findDriver({ operation: 'get', driver: 'builtin' });
  const told = new Told();
  const slip = config({ extraArgs: ['--no-such-flag'] });
  await expect(driver.run(slip, never, told)).rejects.toThrow('--no-such-flag');
  expect(told.words).toEqual([]);

  told.begin = async () => {
    told.words.push('begin');
    process.kill(loadPid(server.port), 'SIGKILL');
    await sleep(300);
  };
  await expect(driver.run(config(), never, told)).rejects.toMatchObject({ code: 'no-result' });
  expect(told.words).toEqual(['begin', 'end begins', 'end']);
  expect(await countGets()).toBe(gets);
});

/** Of the held child that is to drive that server. */
function loadPid(port: number): number {
  const found = readProcesses().find(({ pid }) => {
    const words = wordsOf(pid);
    return words.includes('--hold') && words.includes(String(port));
  });
  if (found === undefined) throw new Error(`no held load of port ${port} runs`);
  return found.pid;
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
}
