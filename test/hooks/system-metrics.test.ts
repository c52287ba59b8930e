import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import systemMetrics from '../../hooks/system-metrics.ts';
import { HookHost } from '../../src/hook/host.ts';
import type { Hook } from '../../src/hook/index.ts';
import { Children } from '../../src/restore/children.ts';
import { readStat } from '../../src/restore/stat.ts';
import { monotonicNs } from '../../src/session/clock.ts';
import { spanFolder } from '../../src/session/layout.ts';
import { Session } from '../../src/session/session.ts';
import type { EndedSpan, Span } from '../../src/stage/span.ts';
import { findTargets } from '../../src/target/find.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import type { LocalTarget } from '../../src/target/local-target.ts';
import type { SeriesSummary } from '../../src/target/span-series.ts';

interface Metrics {
  readonly samples: number;
  readonly process?: Readonly<Record<string, number>>;
  readonly series: Readonly<Record<string, SeriesSummary>>;
}

const host = new LocalHost(new Children());
const programs: ChildProcess[] = [];

afterEach(() => {
  for (const program of programs.splice(0)) program.kill('SIGKILL');
});

/** A program that has begun to work when this returns. */
async function startProgram(script: string): Promise<LocalTarget> {
  const program = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  programs.push(program);
  await once(program.stdout, 'data');
  const result = findTargets({ by: 'pid', pid: program.pid! }, host);
  if (result.state !== 'found') throw new Error('the program is gone');
  return result.targets[0]!;
}

/** A session with this hook alone. */
async function startSession(
  hz: number,
  target?: LocalTarget,
): Promise<{
  session: Session;
  hooks: HookHost;
  spans: EndedSpan[];
  span: (ms: number) => Promise<Metrics>;
}> {
  const session = await Session.create(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'test', () => {});
  const hooks = new HookHost({
    plan: [{ hook: systemMetrics as unknown as Hook, from: 'system-metrics', options: { hz } }],
    host,
    ...(target ? { target } : {}),
    session,
    signal: new AbortController().signal,
    emit: () => {},
    targetExited: () => {},
    limitCollect: (work) => work,
  });
  await hooks.arm();
  const spans: EndedSpan[] = [];
  const span = async (ms: number): Promise<Metrics> => {
    const open: Span = {
      id: spans.length + 1,
      stage: { name: 'test' },
      source: 'test',
      watched: true,
      history: false,
      startNs: monotonicNs(),
      startedAt: Date.now(),
      attributes: [],
    };
    hooks.spanStarted(open);
    await sleep(ms);
    const endNs = monotonicNs();
    const durationMs = Number(endNs - open.startNs) / 1e6;
    const ended: EndedSpan = { ...open, state: 'finished', endNs, durationMs, timing: { state: 'trusted' } };
    spans.push(ended);
    hooks.spanEnded(ended);
    await hooks.settled();
    await hooks.collect([ended]);
    return readMetrics(session, ended, hooks.name);
  };
  return { session, hooks, spans, span };
}

function readMetrics(session: Session, { id, stage }: EndedSpan, target: string): Metrics {
  return JSON.parse(
    readFileSync(join(spanFolder(session.folder, id, stage), target, 'metrics.json'), 'utf8'),
  ) as Metrics;
}

test("RSS is the kernel's", async () => {
  const target = await startProgram(
    "globalThis.kept = Buffer.alloc(200e6, 1); console.log('up'); setInterval(() => {}, 1e6)",
  );
  const { hooks, span } = await startSession(4, target);
  const { process: figures, series } = await span(600);
  await hooks.dispose();
  const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${target.pid}/status`, 'utf8'))![1]) * 1024;
  expect(figures!['rssStartBytes']).toBeGreaterThan(200e6);
  for (const key of ['rssStartBytes', 'rssEndBytes', 'rssMaxBytes'])
    expect(Math.abs(figures![key]! / rss - 1)).toBeLessThan(0.02);
  expect(series['process.anonymousBytes']!.last).toBeGreaterThan(150e6);
});

test('memory that is taken during a span shows as faults and growth', async () => {
  const target = await startProgram(
    "console.log('up'); setTimeout(() => { globalThis.kept = Buffer.alloc(100e6, 1) }, 300); setInterval(() => {}, 1e6)",
  );
  const { hooks, span } = await startSession(4, target);
  const { process: figures } = await span(800);
  await hooks.dispose();
  const grown = figures!['rssEndBytes']! - figures!['rssStartBytes']!;
  expect(grown).toBeGreaterThan(95e6);
  expect(figures!['rssMaxBytes']).toBeGreaterThanOrEqual(figures!['rssEndBytes']!);
  // A page is 4 KiB, or 2 MiB where the kernel has huge pages for it.
  expect(figures!['minorFaults']).toBeGreaterThan(40);
});

test('CPU time of a busy loop is what the kernel says it used', async () => {
  const target = await startProgram("console.log('up'); setTimeout(() => { for (;;); }, 10)");
  await sleep(100);
  const { hooks, span } = await startSession(10, target);
  const before = readStat(target.pid)!;
  const { process: figures, series } = await span(1500);
  const after = readStat(target.pid)!;
  await hooks.dispose();
  const seconds = (after.userTicks - before.userTicks) / 100;
  expect(Math.abs(figures!['userSeconds']! - seconds)).toBeLessThan(0.06);
  expect(Math.abs(series['process.userPercent']!.mean - (seconds / 1.5) * 100)).toBeLessThan(5);
  expect(series['cpu.total.userPercent']!.mean).toBeGreaterThan(20);
});

test('a span shorter than the interval is covered by samples at its edges', async () => {
  const target = await startProgram("console.log('up'); setTimeout(() => { for (;;); }, 10)");
  const { hooks, span } = await startSession(0.5, target);
  await sleep(100);
  const before = readStat(target.pid)!;
  const { samples, process: figures, series } = await span(200);
  const seconds = (readStat(target.pid)!.userTicks - before.userTicks) / 100;
  await hooks.dispose();
  expect(samples).toBeGreaterThanOrEqual(1);
  expect(figures!['rssEndBytes']).toBeGreaterThan(0);
  expect(Math.abs(figures!['userSeconds']! - seconds)).toBeLessThan(0.06);
  expect(series['memory.totalBytes']!.last).toBeGreaterThan(1e8);
});

test('the host alone, 20 times a second, without drift', async () => {
  const { hooks, session, span } = await startSession(20);
  const { samples, process: figures, series } = await span(1000);
  await hooks.dispose();
  await session[Symbol.asyncDispose]();
  expect(figures).toBeUndefined();
  expect(samples).toBeGreaterThanOrEqual(18);
  expect(samples).toBeLessThanOrEqual(23);
  const names = Object.keys(series);
  expect(names).toContain('cpu.cores.0.userPercent');
  expect(names).toContain('network.interfaces.lo.rxBytesPerSecond');
  expect(names).toContain('network.total.rxBytesPerSecond');
  expect(names).toContain('load.1m');
  const { mean, min, max } = series['cpu.total.idlePercent']!;
  expect(min).toBeLessThanOrEqual(mean);
  expect(max).toBeGreaterThanOrEqual(mean);
  const lines = readFileSync(join(session.folder, 'metrics.ndjson'), 'utf8').trim().split('\n');
  expect(JSON.parse(lines[0]!)).toMatchObject({ hook: 'system-metrics', target: 'localhost' });
});

test('what a killed session left gives the same figures', async () => {
  const target = await startProgram("console.log('up'); setTimeout(() => { for (;;); }, 10)");
  const { hooks, session, spans, span } = await startSession(10, target);
  const whole = await span(500);
  await span(30);
  await hooks.dispose();
  await session.flush();
  const again = await hooks.recover(spans, () => ({ state: 'captured', startedNs: 0n }));
  expect(again).toHaveLength(2);
  const recovered = readMetrics(session, spans[0]!, hooks.name);
  expect(recovered.process!['userSeconds']).toBeCloseTo(whole.process!['userSeconds']!, 1);
  expect(recovered.series['process.rssBytes']).toEqual(whole.series['process.rssBytes']);
  expect(recovered.samples).toBe(whole.samples);
});

test('a server that ends takes only its own figures with it', async () => {
  const target = await startProgram("console.log('up'); setInterval(() => {}, 1e6)");
  const { hooks, span } = await startSession(10, target);
  const working = span(600);
  await sleep(300);
  programs[0]!.kill('SIGKILL');
  const { process: figures, series, samples } = await working;
  await hooks.dispose();
  expect(figures!['rssEndBytes']).toBeGreaterThan(0);
  expect(samples).toBeGreaterThanOrEqual(5);
  expect(series['cpu.total.idlePercent']!.mean).toBeLessThanOrEqual(100);
});
