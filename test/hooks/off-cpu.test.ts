import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import offCpu from '../../hooks/off-cpu.ts';
import type { HookReport } from '../../src/hook/host.ts';
import { Children } from '../../src/restore/children.ts';
import type { Child, SpawnOptions } from '../../src/target/contract.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { LocalTarget } from '../../src/target/local-target.ts';
import { ask, startLoad } from '../perf/load.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { grown, readThreads, type ProcReading } from './proc.ts';
import { contextIn, noArtifacts } from './context.ts';
import { HookRig } from './rig.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'valkey-cli');

interface OffCpuJson {
  readonly version: number;
  readonly capturedMs: number;
  readonly offCpuMs: number;
  readonly sinceBeforeMs: number;
  readonly pools: readonly {
    readonly pool: string;
    readonly offCpuMs: number;
    readonly kinds: Readonly<Record<string, number>>;
  }[];
}

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ args: ['--enable-debug-command', 'yes'] });
});
afterAll(() => server[Symbol.asyncDispose]());

const jsonOf = (rig: HookRig, report: HookReport | undefined): OffCpuJson =>
  rig.json<OffCpuJson>(report!, 'offcpu.json');
const poolOf = ({ pools }: OffCpuJson, pool: string): OffCpuJson['pools'][number] =>
  pools.find((candidate) => candidate.pool === pool)!;

/** The share of the time that a thread was off the CPU, as the scheduler counts: all time but that of its runs. */
function offShare(before: ProcReading, after: ProcReading, tid: number): number {
  return 1 - grown(before, after, tid, 'runNs') / Number(after.atNs - before.atNs);
}

/** A span that does its work between two readings of the scheduler's statistics. */
async function measured(
  rig: HookRig,
  label: string,
  work: () => Promise<unknown>,
): Promise<{ report: HookReport; before: ProcReading; after: ProcReading }> {
  const span = await rig.start(label);
  const before = readThreads(server.pid);
  await work();
  const after = readThreads(server.pid);
  const [report] = await rig.collect(await rig.stop(span));
  return { report: report!, before, after };
}

test.each([
  ['one client: 60,000 switches a second', ['-c', '1']],
  ['two clients', ['-c', '2', '-t', 'set']],
  ['with large replies', ['-c', '4', '-d', '20000', '-t', 'set,get']],
])('time off the CPU is that of the scheduler, but for 2 µs a switch: %s', async (_, flags) => {
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  await using load = startLoad(server.port, '-t', 'get', ...flags);
  expect(load).toBeDefined();
  await sleep(200);
  const { report, before, after } = await measured(rig, 'get', () => sleep(1_000));
  const json = jsonOf(rig, report);
  expect(json.capturedMs).toBeGreaterThan(900);

  const ofMain = poolOf(json, 'valkey-server').offCpuMs / json.capturedMs;
  const bySchedulerOfMain = offShare(before, after, server.pid);
  // perf notes a return up to 2 µs after the scheduler has counted it, depending on what else perf switches: at tens of
  // thousands of switches a second that is up to 12 %, at a thousand it is nothing.
  expect(ofMain / bySchedulerOfMain).toBeGreaterThan(0.85);
  expect(ofMain / bySchedulerOfMain).toBeLessThan(1.2);
  // All threads: those that slept all along too.
  const byScheduler = [...after.threads.keys()].reduce((sum, tid) => sum + offShare(before, after, tid), 0);
  expect(json.offCpuMs / json.capturedMs / byScheduler).toBeGreaterThan(0.95);
  expect(json.offCpuMs / json.capturedMs / byScheduler).toBeLessThan(1.05);
  // Ready to run, but without a CPU: a wake-up that waits for one is told as what it waited for.
  const preemptedMs = poolOf(json, 'valkey-server').kinds['preempted'] ?? 0;
  expect(preemptedMs).toBeLessThan(grown(before, after, server.pid, 'runQueueNs') / 1e6 + 100);

  const folded = rig.text(report, 'offcpu.folded').trimEnd().split('\n');
  const sumUs = folded.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  expect(sumUs / 1_000).toBeCloseTo(json.offCpuMs, 1);
  expect(folded.join('\n')).toMatch(/^valkey-server;\[poll\];.*;aeMain;.*epoll_wait/m);
  expect(rig.warnings.filter(({ fails }) => fails)).toEqual([]);
});

test('an idle server waits all the time: for work, on conditions and in poll', async () => {
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  const { report, after } = await measured(rig, 'idle', () => sleep(500));
  const json = jsonOf(rig, report);
  expect(json.offCpuMs / json.capturedMs / after.threads.size).toBeGreaterThan(0.97);
  expect(json.offCpuMs / json.capturedMs / after.threads.size).toBeLessThan(1.001);
  const bio = poolOf(json, 'bio');
  expect(bio.kinds['condition']).toBeCloseTo(bio.offCpuMs, 0);
  const main = poolOf(json, 'valkey-server');
  expect(main.kinds['poll']! / main.offCpuMs).toBeGreaterThan(0.9);
  // Nobody saw bio go to sleep: that was before.
  expect(json.sinceBeforeMs).toBeGreaterThanOrEqual(bio.offCpuMs * 0.99);
});

test('a server that is held up says what holds it', async () => {
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  const { report } = await measured(rig, 'sleep', async () => {
    ask(server.port, 'debug', 'sleep', '0.4');
    await sleep(1);
  });
  const main = poolOf(jsonOf(rig, report), 'valkey-server');
  expect(main.kinds['sleep']).toBeGreaterThan(380);
  expect(main.kinds['sleep']).toBeLessThan(440);
  expect(rig.text(report, 'offcpu.folded')).toMatch(/^valkey-server;\[sleep\];.*nanosleep/m);
});

test('spans that nest share their waits; a recording that is closed between two serves both', async () => {
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  const outer = await rig.start('outer');
  await sleep(150);
  const inner = await rig.start('inner');
  await sleep(150);
  const innerEnded = await rig.stop(inner);
  await sleep(150);
  const outerEnded = await rig.stop(outer);
  const [ofOuter, ofInner] = (await rig.collect(outerEnded, innerEnded)).map((report) => jsonOf(rig, report));
  const threads = readThreads(server.pid).threads.size;
  expect(ofInner!.offCpuMs / (innerEnded.durationMs * threads)).toBeGreaterThan(0.95);
  expect(ofOuter!.offCpuMs / (outerEnded.durationMs * threads)).toBeGreaterThan(0.95);
  expect(ofOuter!.offCpuMs).toBeGreaterThan(ofInner!.offCpuMs + 250 * threads);
  // After collecting, a new recording.
  const report = await rig.stage('later', () => sleep(100));
  expect(jsonOf(rig, report).offCpuMs).toBeGreaterThan(80 * threads);
  expect(report.facts['perfData']).toMatch(/offcpu\.data\.1$/);
});

test('the flame graph counts µs, and opens by itself', async () => {
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  const report = await rig.stage('page <b>', () => sleep(100));
  const html = readFileSync(rig.path(report, 'offcpu.html'), 'utf8');
  expect(html).toContain('"unit":"µs"');
  expect(html).toContain('[since before]');
  expect(html).not.toContain('<b>');
  expect(existsSync(rig.path(report, 'offcpu.folded'))).toBe(true);
});

test('beside perf-record: two perfs, each its own file', async () => {
  await using load = startLoad(server.port, '-t', 'get');
  expect(load).toBeDefined();
  await using onCpu = await HookRig.arm('perf-record', {}, server.pid);
  await using offCpu = await HookRig.arm('off-cpu', {}, server.pid);
  const spans = [await onCpu.start('get'), await offCpu.start('get')];
  await sleep(400);
  const [onReport] = await onCpu.collect(await onCpu.stop(spans[0]!));
  const [offReport] = await offCpu.collect(await offCpu.stop(spans[1]!));
  expect(onCpu.text(onReport!, 'stacks.folded')).toMatch(/aeMain/);
  expect(offCpu.text(offReport!, 'offcpu.folded')).toMatch(/\[poll\]/);
});

test('a session that was cut short: made again from its folder alone, but for what /proc knew', async () => {
  await using load = startLoad(server.port, '-t', 'get', '-c', '1');
  expect(load).toBeDefined();
  await using rig = await HookRig.arm('off-cpu', {}, server.pid);
  const span = await rig.start('get');
  await sleep(400);
  const ended = await rig.stop(span);
  const [report] = await rig.collect(ended);
  const whole = poolOf(jsonOf(rig, report), 'valkey-server');
  const { ctx, out, warnings } = contextIn(rig.session.folder, 'off-cpu', rig.target!, {
    callGraph: 'fp' as const,
  });
  const artifacts = await offCpu.recover!(ctx, [ended], out, noArtifacts);
  expect(artifacts.map(({ path }) => path.split('/').at(-1)).sort()).toEqual([
    'offcpu.folded',
    'offcpu.html',
    'offcpu.json',
  ]);
  const again = JSON.parse(readFileSync(`${out.of(ended).path}/offcpu.json`, 'utf8')) as OffCpuJson;
  expect(poolOf(again, 'valkey-server').offCpuMs / whole.offCpuMs).toBeCloseTo(1, 1);
  expect(again.pools.map(({ pool }) => pool)).not.toContain('bio');
  expect(warnings).toEqual([]);
});

test('without the right to look into the kernel it says so: perf would record nothing', async (context) => {
  const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
  context.skip(process.getuid?.() !== 0 || paranoid < 2, 'needs root, to become somebody else');
  await using children = new Children();
  const nobody = new (class extends LocalHost {
    override spawn(argv: readonly string[], options?: SpawnOptions): Child {
      return super.spawn(
        ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', ...argv],
        options,
      );
    }
  })(children);
  await using rig = await HookRig.arm('threads', {}, server.pid);
  const target = new LocalTarget(nobody, rig.target!);
  const { ctx } = contextIn(rig.session.folder, 'off-cpu', target, { callGraph: 'fp' as const });
  expect(await offCpu.probe(ctx)).toMatchObject({
    state: 'unavailable',
    reason: expect.stringContaining('kernel'),
    mend: expect.stringContaining('perf_event_paranoid=1'),
  });
});
