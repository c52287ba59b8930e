import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ThreadUse, PoolUse } from '../../src/perf/thread-use.ts';
import { startLoad } from '../perf/load.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { grown, readThreads } from './proc.ts';
import { HookRig } from './rig.ts';

needs('valkey-server', 'valkey-benchmark');

interface ThreadsJson {
  readonly version: number;
  readonly durationMs: number;
  readonly threads: readonly ThreadUse[];
  readonly pools: readonly PoolUse[];
  readonly endedThreadsMs: number;
}

const server = serverForAll(['--io-threads', '2']);

/** What each thread of the server has used, s, as ps says. */
function askPs(): Map<number, number> {
  const text = execFileSync('ps', ['-L', '-o', 'tid=,cputimes=', '-p', String(server.pid)], {
    encoding: 'utf8',
  });
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]),
  );
}

test('thread times are those of ps and of the scheduler', async () => {
  await using load = startLoad(server.port, '-t', 'set,get', '-P', '4');
  expect(load).toBeDefined();
  await using rig = await HookRig.arm('threads', {}, server.pid);
  // The hook reads within its start and its stop: what it counts lies between what is seen inside and outside of them.
  const psBefore = askPs();
  const outerBefore = readThreads(server.pid);
  const span = await rig.start('get');
  const innerBefore = readThreads(server.pid);
  await sleep(1_500);
  const innerAfter = readThreads(server.pid);
  const ended = await rig.stop(span);
  const outerAfter = readThreads(server.pid);
  const psAfter = askPs();
  const [report] = await rig.collect(ended);
  const { version, threads, pools, durationMs } = rig.json<ThreadsJson>(report!, 'threads.json');

  expect(version).toBe(1);
  expect(durationMs).toBeGreaterThan(1_490);
  expect(threads.map(({ tid }) => tid).sort((a, b) => a - b)).toEqual(
    [...outerAfter.threads.keys()].sort((a, b) => a - b),
  );
  const tickMs = 10;
  for (const thread of threads) {
    const { tid, name } = thread;
    expect(name).toBe(outerAfter.threads.get(tid)?.name);
    if (thread.state !== 'lived') throw new Error(`${name} ${thread.state}`);
    const cpuMs = thread.userMs + thread.systemMs;
    const within = (
      value: number,
      figure: 'runNs' | 'runQueueNs' | 'voluntary' | 'involuntary',
      by: number,
    ): void => {
      expect(value).toBeGreaterThanOrEqual(grown(innerBefore, innerAfter, tid, figure) / by - 1e-6);
      expect(value).toBeLessThanOrEqual(grown(outerBefore, outerAfter, tid, figure) / by + 1e-6);
    };
    within(cpuMs, 'runNs', 1e6);
    within(thread.runQueueMs ?? Number.NaN, 'runQueueNs', 1e6);
    within(thread.voluntarySwitches, 'voluntary', 1);
    within(thread.involuntarySwitches, 'involuntary', 1);
    expect(cpuMs).toBeGreaterThan((grown(innerBefore, innerAfter, tid, 'cpuTicks') - 3) * tickMs);
    expect(cpuMs).toBeLessThan((grown(outerBefore, outerAfter, tid, 'cpuTicks') + 3) * tickMs);
    // ps counts whole seconds.
    const bySeconds = (psAfter.get(tid) ?? 0) - (psBefore.get(tid) ?? 0);
    // ... and is asked a moment before and after.
    expect(Math.abs(cpuMs / 1_000 - bySeconds)).toBeLessThan(2);
  }
  const main = threads.find(({ tid }) => tid === server.pid);
  expect(main).toMatchObject({ name: 'valkey-server', pool: 'valkey-server' });
  expect(pools.map(({ pool }) => pool)).toEqual(expect.arrayContaining(['valkey-server', 'io_thd', 'bio']));
  expect(pools.find(({ pool }) => pool === 'bio')?.threads).toBe(3);
  const sum = (uses: readonly (ThreadUse | PoolUse)[]): number =>
    uses.reduce((total, use) => total + ('userMs' in use ? use.userMs + use.systemMs : 0), 0);
  expect(sum(pools)).toBeCloseTo(sum(threads), 6);
  expect(report?.facts).toMatchObject({ threads: threads.length });
});

test('nested spans are counted apart', async () => {
  await using load = startLoad(server.port, '-t', 'get');
  expect(load).toBeDefined();
  await using rig = await HookRig.arm('threads', {}, server.pid);
  const outer = await rig.start('outer');
  await sleep(200);
  const inner = await rig.start('inner');
  await sleep(200);
  const innerEnded = await rig.stop(inner);
  await sleep(200);
  const reports = await rig.collect(await rig.stop(outer), innerEnded);
  const [ofOuter, ofInner] = reports.map((report) => rig.json<ThreadsJson>(report, 'threads.json'));
  expect(ofInner!.durationMs).toBeLessThan(ofOuter!.durationMs - 380);
  const cpuMs = ({ pools }: ThreadsJson): number =>
    pools.reduce((total, { userMs, systemMs }) => total + userMs + systemMs, 0);
  expect(cpuMs(ofInner!)).toBeLessThan(cpuMs(ofOuter!));
});

/** Burns 300 ms in a thread of its own when it is told to; the thread ends, or stays. */
const burner = `
  const { Worker } = require('node:worker_threads');
  const burn = 'const end = Date.now() + 300; while (Date.now() < end); ' +
    'const { parentPort, workerData } = require("node:worker_threads"); parentPort.postMessage("burnt"); if (workerData) setInterval(() => {}, 1000)';
  process.stdin.on('data', (data) => {
    const stays = String(data).startsWith('stay');
    const worker = new Worker(burn, { eval: true, workerData: stays });
    worker.once(stays ? 'message' : 'exit', () => process.stdout.write('done\\n'));
  });
  process.stdout.write('ready\\n');
`;

test('threads that start and end within a span', async () => {
  const child = spawn(process.execPath, ['-e', burner], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await using rig = await HookRig.arm('threads', {}, child.pid!);
    const tell = async (how: string): Promise<void> => {
      child.stdin.write(how);
      await once(child.stdout, 'data');
    };
    const before = new Set(readThreads(child.pid!).threads.keys());
    const span = await rig.start('work');
    await tell('stay');
    await tell('end');
    await tell('end');
    const after = readThreads(child.pid!);
    const [report] = await rig.collect(await rig.stop(span));
    const { threads, endedThreadsMs } = rig.json<ThreadsJson>(report!, 'threads.json');
    const started = threads.filter(({ tid, state }) => state === 'started' && !before.has(tid));
    expect(started.length).toBeGreaterThanOrEqual(1);
    for (const thread of started) {
      if (thread.state !== 'started') continue;
      // From its beginning: all that it ever used.
      const allMs = (after.threads.get(thread.tid)?.runNs ?? 0) / 1e6;
      expect(thread.userMs + thread.systemMs).toBeGreaterThanOrEqual(allMs);
    }
    // Two threads came and went: only the process remembers them.
    expect(endedThreadsMs).toBeGreaterThan(50);
    expect(endedThreadsMs).toBeLessThan(2_000);
  } finally {
    child.kill('SIGKILL');
  }
});

test('between the markers too: the CPU of each pool, without a gap', async () => {
  await using load = startLoad(server.port, '-t', 'set,get', '-P', '4');
  expect(load).toBeDefined();
  const outerBefore = usedMs();
  await using rig = await HookRig.arm('threads', {}, server.pid);
  const samplesBeyond = async (count: number): Promise<void> => {
    await expect.poll(() => rig.metrics.length, { timeout: 20_000 }).toBeGreaterThan(count);
  };
  await samplesBeyond(0);
  const innerBefore = usedMs();
  await sleep(1_000);
  const innerAfter = usedMs();
  await samplesBeyond(rig.metrics.length);
  const samples = rig.metrics as unknown as readonly PoolSample[];
  const outerAfter = usedMs();
  expect(Object.keys(samples[0]!.pools)).toEqual(expect.arrayContaining(['valkey-server', 'bio']));
  // Samples follow each other: together they count what the process used between the first reading and the last.
  const countedMs = samples.reduce(
    (sum, { intervalMs, pools }) => sum + (intervalMs * percentOf(pools)) / 100,
    0,
  );
  // Each figure is rounded to a thousandth.
  expect(countedMs).toBeGreaterThan(innerAfter - innerBefore - 1);
  expect(countedMs).toBeLessThan(outerAfter - outerBefore + 1);
});

test('no samples where none are wanted', async () => {
  await using rig = await HookRig.arm('threads', { hz: 0 }, server.pid);
  await sleep(600);
  expect(rig.metrics).toEqual([]);
});

interface PoolSample {
  readonly intervalMs: number;
  readonly pools: Readonly<Record<string, { readonly cpuPercent: number }>>;
}

function percentOf(pools: PoolSample['pools']): number {
  return Object.values(pools).reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
}

/** CPU time of all of the server's threads until now, ms. */
function usedMs(): number {
  return [...readThreads(server.pid).threads.values()].reduce((sum, { runNs }) => sum + runNs / 1e6, 0);
}
