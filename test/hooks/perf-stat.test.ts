import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { countable } from '../../src/perf/stat-events.ts';
import type { PoolCounters } from '../../src/perf/stat-summary.ts';
import { Children } from '../../src/restore/children.ts';
import { runs } from '../restore/processes.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { grown, readThreads, type ProcReading } from './proc.ts';
import { NobodyHost } from './nobody.ts';
import { HookRig } from './rig.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

interface PerfStatJson extends PoolCounters {
  readonly version: number;
  readonly pools: readonly PoolCounters[];
  readonly notSupported: readonly { readonly event: string; readonly reason: string }[];
  readonly doubtful: readonly unknown[];
  readonly topdown: string;
  readonly laterThreads: readonly number[];
}

const server = serverForAll(['--io-threads', '2'], ['-t', 'set,get', '-P', '16', '-c', '8']);
beforeAll(() => sleep(200));

const valueOf = ({ counters }: Pick<PoolCounters, 'counters'>, event: string): number =>
  counters.find((counter) => counter.event === event)?.value ?? Number.NaN;

/** User and system time of the whole process, ms. */
function processCpuMs(): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const switches = (before: ProcReading, after: ProcReading): number =>
  [...after.threads.keys()].reduce(
    (sum, tid) => sum + grown(before, after, tid, 'voluntary') + grown(before, after, tid, 'involuntary'),
    0,
  );

describe('a span', () => {
  test('has the task-clock and the context switches that /proc tells, and its pools are their parts', async () => {
    await using rig = await HookRig.arm('perf-stat', {}, server.pid);
    const outerCpu = processCpuMs();
    const outer = readThreads(server.pid);
    const span = await rig.start('get');
    const innerCpu = processCpuMs();
    const inner = readThreads(server.pid);
    await sleep(1_500);
    const innerCpuMs = processCpuMs() - innerCpu;
    const innerSwitches = switches(inner, readThreads(server.pid));
    const ended = await rig.stop(span);
    const outerCpuMs = processCpuMs() - outerCpu;
    const outerSwitches = switches(outer, readThreads(server.pid));
    const [report] = await rig.collect(ended);
    const json = rig.json<PerfStatJson>(report!, 'perf-stat.json');

    expect(json.version).toBe(1);
    const taskClockMs = valueOf(json, 'task-clock');
    // /proc counts in ticks of 10 ms, two of them at each end.
    expect(taskClockMs).toBeGreaterThan(innerCpuMs * 0.95 - 40);
    expect(taskClockMs).toBeLessThan(outerCpuMs * 1.05 + 40);
    expect(valueOf(json, 'context-switches')).toBeGreaterThanOrEqual(innerSwitches - 10);
    expect(valueOf(json, 'context-switches')).toBeLessThanOrEqual(outerSwitches + 10);
    expect(json.derived.cpus).toBeCloseTo(taskClockMs / ended.durationMs, 6);
    expect(json.pools.map(({ pool }) => pool)).toEqual(
      expect.arrayContaining(['valkey-server', 'io_thd', 'bio']),
    );
    expect(json.pools.reduce((sum, pool) => sum + valueOf(pool, 'task-clock'), 0)).toBeCloseTo(
      taskClockMs,
      3,
    );
    expect(json.laterThreads).toEqual([]);
    // What this machine cannot count is named, and everything is either counted or named.
    const named = new Set([
      ...json.counters.map(({ event }) => event),
      ...json.notSupported.map(({ event }) => event),
    ]);
    for (const event of ['task-clock', 'cycles', 'instructions', 'branch-misses'])
      expect(named).toContain(event);
    expect(rig.warnings).toEqual([]);
  });

  test('that lies in another, or overlaps it, has counts of its own', async () => {
    await using rig = await HookRig.arm('perf-stat', {}, server.pid);
    const spans = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      spans.push(await rig.start(name));
      await sleep(100);
    }
    const ended = [];
    for (const span of spans) {
      await sleep(50);
      ended.push(await rig.stop(span));
    }
    const reports = await rig.collect(...ended);
    expect(reports.length).toBe(4);
    for (const report of reports) {
      const json = rig.json<PerfStatJson>(report, 'perf-stat.json');
      expect(valueOf(json, 'task-clock')).toBeGreaterThan(0);
      expect(json.derived.cpus).toBeLessThan(3);
      expect(report.capture?.state).toBe('captured');
    }
  });

  test('leaves no perf behind, and neither does the hook', async () => {
    const rig = await HookRig.arm('perf-stat', {}, server.pid);
    const pids: number[] = [];
    const spawned = rig.children.spawn.bind(rig.children);
    rig.children.spawn = (argv, options) => {
      const child = spawned(argv, options);
      if (child.pid !== undefined) pids.push(child.pid);
      return child;
    };
    for (let round = 0; round < 4; round++) await rig.stage('short', () => sleep(10));
    await rig[Symbol.asyncDispose]();
    expect(pids.length).toBeGreaterThanOrEqual(3);
    expect(pids.filter(runs)).toEqual([]);
  });
});

test('events that nobody knows are named, and the others counted', async () => {
  await using rig = await HookRig.arm(
    'perf-stat',
    { events: 'task-clock+no-such-event+page-faults' },
    server.pid,
  );
  const report = await rig.stage('get', () => sleep(100));
  const json = rig.json<PerfStatJson>(report, 'perf-stat.json');
  expect(json.counters.map(({ event }) => event)).toEqual(['task-clock', 'page-faults']);
  expect(json.notSupported).toEqual([{ event: 'no-such-event', reason: 'perf knows no such event' }]);
  expect(rig.warnings.map(({ code }) => code)).toEqual(['events-not-supported']);
});

test('topdown is counted, or said to be missing', async () => {
  await using rig = await HookRig.arm('perf-stat', { topdown: true }, server.pid);
  const report = await rig.stage('get', () => sleep(100));
  const json = rig.json<PerfStatJson>(report, 'perf-stat.json');
  const isCounted = json.topdown === 'counted';
  expect(json.derived.topdown !== undefined).toBe(isCounted);
  expect(rig.warnings.map(({ code }) => code)).toEqual(isCounted ? [] : ['topdown-unavailable']);
});

test('nothing that can be counted: the hook is left out, and says why', async () => {
  await using rig = await HookRig.arm('perf-stat', { events: 'no-such-event' }, server.pid);
  expect(rig.reason).toMatch(/none of the events can be counted.*no-such-event/);
});

test('without the right to look into the kernel, what would be 0 is doubted', async (context) => {
  const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
  context.skip(process.getuid?.() !== 0 || paranoid < 2, 'needs root, to become somebody else');
  await using children = new Children();
  const nobody = new NobodyHost(children);
  const { events, doubtful } = await countable(nobody, ['task-clock', 'context-switches', 'page-faults']);
  expect(events).toEqual(['task-clock', 'context-switches', 'page-faults']);
  expect(doubtful.map(({ event }) => event)).toEqual(['context-switches', 'page-faults']);
});
