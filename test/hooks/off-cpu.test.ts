import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import offCpu from '../../hooks/off-cpu.ts';
import type { HookReport } from '../../src/hook/host.ts';
import type { EndedSpan } from '../../src/stage/span.ts';
import { Children } from '../../src/restore/children.ts';
import { LocalTarget } from '../../src/target/local-target.ts';
import { ask, startLoad } from '../perf/load.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { grown, readThreads, type ProcReading } from './proc.ts';
import { contextIn, noArtifacts } from './context.ts';
import { NobodyHost } from './nobody.ts';
import { HookRig } from './rig.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'valkey-cli');

interface OffCpuJson {
  readonly version: number;
  readonly capturedMs: number;
  readonly offCpuMs: number;
  readonly sinceBeforeMs: number;
  readonly takenOffMs: number;
  readonly pools: readonly {
    readonly pool: string;
    readonly offCpuMs: number;
    readonly kinds: Readonly<Record<string, number>>;
  }[];
}

const server = serverForAll(['--enable-debug-command', 'yes']);

const jsonOf = (rig: HookRig, report: HookReport | undefined): OffCpuJson =>
  rig.json<OffCpuJson>(report!, 'offcpu.json');
const poolOf = ({ pools }: OffCpuJson, pool: string): OffCpuJson['pools'][number] =>
  pools.find((candidate) => candidate.pool === pool)!;

/** The share of the time that a thread was off the CPU, as the scheduler counts: all time but that of its runs. */
function offShare(before: ProcReading, after: ProcReading, tid: number): number {
  return 1 - grown(before, after, tid, 'runNs') / Number(after.atNs - before.atNs);
}

/** A span that does its work between two readings of the scheduler's statistics. */
async function between(
  rig: HookRig,
  label: string,
  work: () => Promise<unknown>,
): Promise<{ span: EndedSpan; before: ProcReading; after: ProcReading }> {
  const span = await rig.start(label);
  const before = readThreads(server.pid);
  await work();
  const after = readThreads(server.pid);
  return { span: await rig.stop(span), before, after };
}

async function measured(
  rig: HookRig,
  label: string,
  work: () => Promise<unknown>,
): Promise<{ report: HookReport; before: ProcReading; after: ProcReading }> {
  const { span, ...readings } = await between(rig, label, work);
  const [report] = await rig.collect(span);
  return { report: report!, ...readings };
}

/** Once perf lost nothing: on a machine that is busy enough it does, and says so. */
async function undisturbed<Result>(attempt: (rig: HookRig) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    await using rig = await HookRig.arm('off-cpu', {}, server.pid);
    const result = await attempt(rig);
    if (tries === 8 || !rig.warnings.some(({ code }) => code === 'waits-lost')) return result;
  }
}

/** What this hook says of a thread's pool over what the scheduler says of that thread. */
function agreement(json: OffCpuJson, before: ProcReading, after: ProcReading): number {
  return poolOf(json, 'valkey-server').offCpuMs / json.capturedMs / offShare(before, after, server.pid);
}

test.each([
  ['one client', ['-c', '1']],
  ['two clients', ['-c', '2', '-t', 'set']],
  ['with large replies', ['-c', '4', '-d', '20000', '-t', 'set,get']],
])(
  'time off the CPU is that of the scheduler, at tens of thousands of switches: %s',
  async (_, flags) => {
    await using load = startLoad(server.port, '-t', 'get', ...flags);
    expect(load).toBeDefined();
    await sleep(200);
    const { json, text, failures, before, after } = await undisturbed(async (rig) => {
      const { report, ...readings } = await measured(rig, 'get', () => sleep(500));
      const failures = rig.warnings.filter(({ fails }) => fails);
      return { json: jsonOf(rig, report), text: rig.text(report, 'offcpu.folded'), failures, ...readings };
    });
    expect(failures).toEqual([]);
    expect(json.capturedMs).toBeGreaterThan(400);

    expect(agreement(json, before, after)).toBeGreaterThan(0.95);
    expect(agreement(json, before, after)).toBeLessThan(1.05);
    // All threads: those that slept all along too.
    const byScheduler = [...after.threads.keys()].reduce((sum, tid) => sum + offShare(before, after, tid), 0);
    expect(json.offCpuMs / json.capturedMs / byScheduler).toBeGreaterThan(0.95);
    expect(json.offCpuMs / json.capturedMs / byScheduler).toBeLessThan(1.05);
    // What was taken off is perf's own work at each switch, and no more: 50 µs each is where it stops.
    const switches =
      grown(before, after, server.pid, 'voluntary') + grown(before, after, server.pid, 'involuntary');
    expect(json.takenOffMs).toBeGreaterThan(0);
    expect(json.takenOffMs / switches).toBeLessThan(0.05);
    // Ready to run, but without a CPU: a wake-up that waits for one is told as what it waited for.
    const preemptedMs = poolOf(json, 'valkey-server').kinds['preempted'] ?? 0;
    expect(preemptedMs).toBeLessThan(grown(before, after, server.pid, 'runQueueNs') / 1e6 + 100);

    const folded = text.trimEnd().split('\n');
    const sumUs = folded.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    expect(sumUs / 1_000).toBeCloseTo(json.offCpuMs, 1);
    expect(folded.join('\n')).toMatch(/^valkey-server;\[poll\];.*;aeMain;.*epoll_wait/m);
  },
  120_000,
);

test('a span within a long one has the scheduler’s time of its own, whatever the load was before', async () => {
  const agreed = await undisturbed(async (rig) => {
    const outer = await rig.start('outer');
    await sleep(1_500);
    await using load = startLoad(server.port, '-t', 'get', '-c', '2');
    expect(load).toBeDefined();
    await sleep(700);
    const { span, before, after } = await between(rig, 'inner', () => sleep(2_000));
    const [report] = await rig.collect(span, await rig.stop(outer));
    return agreement(jsonOf(rig, report), before, after);
  });
  expect(agreed).toBeGreaterThan(0.95);
  expect(agreed).toBeLessThan(1.05);
}, 120_000);

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
  const { capturedMs, takenOffMs, ...first } = jsonOf(rig, report);
  const wholeMs = first.pools.find(({ pool }) => pool === 'valkey-server')!.offCpuMs;
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
  // Without the scheduler's run times: between those and perf's own notes.
  const againMs = poolOf(again, 'valkey-server').offCpuMs;
  expect(againMs / wholeMs).toBeGreaterThan(0.95);
  // Nor is it known then when capture began, some time after the span.
  expect(againMs).toBeLessThan(wholeMs + takenOffMs + again.capturedMs - capturedMs + 1);
  expect(again.pools.map(({ pool }) => pool)).not.toContain('bio');
  expect(warnings.map(({ code }) => code)).toEqual(rig.warnings.map(({ code }) => code));
});

test('without the right to look into the kernel it says so: perf would record nothing', async (context) => {
  const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
  context.skip(process.getuid?.() !== 0 || paranoid < 2, 'needs root, to become somebody else');
  await using children = new Children();
  await using rig = await HookRig.arm('threads', {}, server.pid);
  const target = new LocalTarget(new NobodyHost(children), rig.target!);
  const { ctx } = contextIn(rig.session.folder, 'off-cpu', target, { callGraph: 'fp' as const });
  expect(await offCpu.probe(ctx)).toMatchObject({
    state: 'unavailable',
    reason: expect.stringContaining('kernel'),
    mend: expect.stringContaining('perf_event_paranoid=1'),
  });
});
