import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import flamegraph from '../../hooks/flamegraph.ts';
import perfRecord from '../../hooks/perf-record.ts';
import type { ArmedHook, EndedSpan } from '../../src/hook/index.ts';
import type { Target } from '../../src/target/contract.ts';
import { killWriterOf } from '../perf/kill.ts';
import { localTarget } from '../perf/local-host.ts';
import { endedSpan } from '../perf/span.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { contextIn, ended, noArtifacts } from './context.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

const sessions = mkdtempSync(join(tmpdir(), 'stagewatch-hook-'));
const session = (): string => mkdtempSync(join(sessions, 's-'));
const defaults = perfRecord.options.parse({});
const server = serverForAll(['--io-threads', '2'], ['-t', 'get']);
let target: Target;

beforeAll(async () => {
  target = localTarget(server.pid, 'valkey-server');
  await sleep(200);
});
afterAll(() => rmSync(sessions, { recursive: true, force: true }));

async function spanOf(armed: ArmedHook, name: string, ms: number): Promise<EndedSpan> {
  const span = endedSpan(name, process.hrtime.bigint());
  await armed.start(span);
  await sleep(ms);
  const done = ended(span);
  await armed.stop(done);
  return done;
}

test('nested spans are profiled, collected between others and after the end, and rendered', async () => {
  const folder = session();
  const { ctx, out, warnings, facts } = contextIn(folder, 'perf-record', target, defaults);
  expect(await perfRecord.probe(ctx)).toEqual({ state: 'available' });
  await using armed = await perfRecord.arm(ctx);

  const outer = endedSpan('outer', process.hrtime.bigint());
  await armed.start(outer);
  const inner = await spanOf(armed, 'inner:a/../b', 200);
  const outerDone = ended(outer);
  await armed.stop(outerDone);
  const first = await armed.collect([outerDone, inner], out, noArtifacts);
  expect(first.map(({ path }) => path.split('/').at(-1))).toEqual(['stacks.folded', 'stacks.folded']);

  const later = await spanOf(armed, 'later', 150);
  await armed.finish?.();
  await armed.collect([later], out, noArtifacts);
  expect(warnings.filter(({ fails }) => fails)).toEqual([]);
  for (const span of [outerDone, inner, later]) {
    expect(facts.get(span.id)).toMatchObject({ frequency: 999, callGraph: 'fp' });
    expect(facts.get(span.id)?.['samples']).toBeGreaterThan(20);
    expect(facts.get(span.id)?.['cpuMs']).toBeGreaterThan(0);
  }
  const perfData = facts.get(later.id)?.['perfData'] as string;
  expect(perfData).toMatch(/targets\/[^/]+\/perf\.data\.1$/);

  const [program = '', ...args] = (facts.get(later.id)?.['reportCommand'] ?? []) as string[];
  const report = spawnSync(program, [...args, '--stdio'], { cwd: folder, encoding: 'utf8' });
  expect(report.stdout).toContain('aeMain');

  const rendered = contextIn(folder, 'flamegraph', target, {});
  await using renderer = await flamegraph.arm(rendered.ctx);
  const pages = await renderer.collect([outerDone, inner, later], rendered.out, noArtifacts);
  expect(pages).toHaveLength(3);
  expect(readFileSync(join(folder, pages[0]?.path ?? ''), 'utf8')).toContain('aeMain');
});

test('a server that does nothing is told from a profile that captured nothing', async () => {
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  const idle = localTarget(sleeper.pid ?? 0, 'sleep');
  const { ctx, out, warnings } = contextIn(session(), 'perf-record', idle, defaults);
  await using armed = await perfRecord.arm(ctx);
  const span = await spanOf(armed, 'idle', 60);
  const short = await spanOf(armed, 'short', 5);
  expect(await armed.collect([span, short], out, noArtifacts)).toEqual([]);
  expect(warnings).toMatchObject([
    { code: 'nothing-captured', fails: true, message: expect.stringContaining('used no CPU') },
    // A busy machine may not let it be short.
    { code: 'nothing-captured', fails: short.durationMs >= 50 },
  ]);
  expect(existsSync(out.of(span).path)).toBe(false);
  sleeper.kill('SIGKILL');
});

test('an event that the machine lacks is asked for: the one recorded is told', async () => {
  const options = perfRecord.options.parse({ event: 'cache-misses', frequency: 10_000_000 });
  const { ctx, warnings } = contextIn(session(), 'perf-record', target, options);
  const armed = await perfRecord.arm(ctx);
  await armed[Symbol.asyncDispose]();
  const hasCounters = spawnSync('perf', ['stat', '-e', 'cache-misses', 'true'], { encoding: 'utf8' });
  const codes = warnings.map(({ code }) => code);
  expect(codes).toContain('frequency-limited');
  expect(codes.includes('event-fallback')).toBe(hasCounters.stderr.includes('<not supported>'));
});

test('what was captured before perf was killed is recovered from the session alone', async () => {
  const folder = session();
  const first = contextIn(folder, 'perf-record', target, defaults);
  const armed = await perfRecord.arm(first.ctx);
  const span = await spanOf(armed, 'lost', 600);
  await sleep(50);
  killWriterOf(`${folder}/`);
  expect(await armed.failed).toMatchObject({ code: 'perf-exited' });

  const again = contextIn(folder, 'perf-record', target, defaults);
  const artifacts = await perfRecord.recover?.(again.ctx, [span], again.out, noArtifacts);
  expect(artifacts).toHaveLength(1);
  expect(again.facts.get(span.id)?.['samples']).toBeGreaterThan(20);
  // The armed hook itself gives the same, where the monitor lives on.
  expect(await armed.collect([span], first.out, noArtifacts)).toHaveLength(1);
  await armed[Symbol.asyncDispose]();
});
