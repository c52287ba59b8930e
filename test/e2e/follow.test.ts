import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { fixture, runCli, SessionFolder, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

let server: RunningServer;
let load: AsyncDisposable;
beforeAll(async () => {
  server = await startServer();
  load = startLoad(server.port);
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** `stagewatch run` of a script of stages on the loaded server. */
async function profile(folder: string, steps: readonly string[], flags: readonly string[] = []) {
  const args = [
    'run',
    '--collect-perf',
    '--server-pid',
    String(server.pid),
    '--output-dir',
    folder,
    ...flags,
  ];
  return await runCli([...args, '--', process.execPath, fixture('stages.mjs'), ...steps]);
}

/** From the first to the last sample, as a share of the span; by the samples' own timestamps. */
function sampled(facts: Readonly<Record<string, unknown>>, durationMs: number): number {
  return 1 - ((facts['firstSampleMs'] as number) + (facts['lastSampleMs'] as number)) / durationMs;
}

test("back-to-back stages are captured from marker to marker, with the server's own functions in their stacks", async () => {
  using folder = new TestFolder();
  const steps = [1, 2, 3].flatMap((i) => [`vec-query:ef_${i}=700`, 'gap=50']);
  const ran = await profile(folder.path, steps);
  expect(ran.stderr).not.toContain('incomplete');
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(folder.path);
  expect(session.spans.map((span) => span.stage)).toEqual([
    'vec-query:ef_1',
    'vec-query:ef_2',
    'vec-query:ef_3',
  ]);
  for (const span of session.spans) {
    const facts = span.targets[0]!.hooks['perf-record']!;
    expect(facts.coverage.state).toBe('measured');
    expect(facts.coverage.ratio).toBeGreaterThan(0.9);
    expect(sampled(facts, span.durationMs)).toBeGreaterThan(0.9);
    expect(facts['samples']).toBeGreaterThan(50);
    expect(session.stacks(span)).toMatch(/^valkey-server;.*aeMain/m);
    const html = readFileSync(join(span.folder, span.targets[0]!.target, 'flamegraph.html'), 'utf8');
    expect(html).toContain('aeMain');
  }
  expect(session.survivors()).toEqual([]);
});

test('the session says how long each hook took from marker to capture', async () => {
  using folder = new TestFolder();
  await profile(folder.path, ['get=200']);
  const session = new SessionFolder(folder.path);
  expect(session.order('perf-record')).toEqual([
    'armed',
    'started get',
    'stopped get',
    'finished',
    'collecting',
  ]);
  const delays = session.info['startDelays'] as Record<
    string,
    { count: number; p50Ms: number; p99Ms: number; maxMs: number }
  >;
  expect(delays['perf-record']).toMatchObject({ count: 1 });
  expect(delays['perf-record']!.maxMs).toBeGreaterThan(0);
});

test('twenty stages of 50 ms, 10 ms apart, each have samples of their own', async () => {
  using folder = new TestFolder();
  const ran = await profile(
    folder.path,
    Array.from({ length: 20 }, (_, i) => [`s:${i}=50`, 'gap=10']).flat(),
  );
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(folder.path);
  expect(session.spans).toHaveLength(20);
  for (const span of session.spans)
    expect(span.targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(0);
});

test('nested and overlapping stages are all captured, each with the samples of its own time', async () => {
  using folder = new TestFolder();
  const ran = await profile(folder.path, [
    ...['start=outer', 'gap=150', 'start=inner', 'gap=150', 'end=inner', 'gap=100'],
    ...['start=late', 'gap=100', 'end=outer', 'gap=150', 'end=late'],
  ]);
  expect(ran.code, ran.stderr).toBe(0);
  const session = new SessionFolder(folder.path);
  const samples = Object.fromEntries(
    session.spans.map((span) => [span.stage, span.targets[0]!.hooks['perf-record']!['samples'] as number]),
  );
  for (const span of session.spans) {
    const facts = span.targets[0]!.hooks['perf-record']!;
    expect(sampled(facts, span.durationMs)).toBeGreaterThan(0.7);
  }
  expect(samples['outer']).toBeGreaterThan(samples['inner']!);
  expect(samples['outer']).toBeGreaterThan(samples['late']!);
});

test('nothing to speak of is recorded outside watched stages', async () => {
  using folder = new TestFolder();
  await profile(folder.path, ['warmup=600', 'get=200', 'gap=600'], ['--watch', 'get']);
  const session = new SessionFolder(folder.path);
  expect(session.spans.map((span) => span.stage)).toEqual(['get']);
  const [warmup] = session.eventsOf('span-start');
  expect(warmup).toMatchObject({ stage: 'warmup', watched: false });
  const inside = session.span('get').targets[0]!.hooks['perf-record']!['samples'] as number;
  const { execa } = await import('execa');
  const { stdout } = await execa('perf', [
    'script',
    '-i',
    join(session.path, 'targets', session.span('get').targets[0]!.target, 'perf.data'),
    '-F',
    'time',
  ]);
  expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(inside * 1.1 + 10);
});

test('markers that a pipe held back are noticed, and the coverage is called unknown', async () => {
  using folder = new TestFolder();
  const input = '[STAGE:START] get\n[STAGE:END] get duration=1.000s\n';
  const args = ['monitor', '--collect-perf', '--server-pid', String(server.pid), '--output-dir', folder.path];
  const ran = await runCli(args, { input });
  expect(ran.stdout.toString()).toBe(input);
  const session = new SessionFolder(folder.path);
  expect(session.eventsOf('warning').map((warning) => warning.code)).toContain('late-markers');
  expect(ran.stderr).toMatch(/late-markers.*stdbuf -oL/);
});

test("the benchmark's output and exit code are its own", async () => {
  using folder = new TestFolder();
  const ran = await profile(folder.path, ['get=60', 'say=a line', 'exit=7']);
  expect(ran.code).toBe(7);
  expect(ran.stdout.toString()).toMatch(
    /^\[STAGE:START\] get\n\[STAGE:END\] get duration=0\.\d+s\na line\n$/,
  );
});

test('a child of the server is shown apart from it', async () => {
  using folder = new TestFolder();
  const { ask } = await import('../servers/start.ts');
  const running = profile(folder.path, ['save=900']);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await ask(server.port, 'DEBUG POPULATE 200000\r\n').catch(() => 'slow');
  await ask(server.port, 'BGSAVE\r\n').catch(() => 'slow');
  await running;
  const session = new SessionFolder(folder.path);
  const roots = new Set(
    session
      .stacks(session.span('save'))
      .split('\n')
      .map((line) => line.split(';')[0]),
  );
  expect(roots).toContain('valkey-server');
});
