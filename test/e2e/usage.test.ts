import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli, TestFolder } from './support.ts';

test.each([
  [['monitor', '/no/such/folder/bench.log'], /no\/such\/folder/],
  [['monitor', '/tmp'], /the folder "\/tmp"/],
  [['monitor', '--profile', 'flamegrap'], /Expected --profile .*Did you mean "flamegraph"\?/],
  [['monitor', '--profile', './none.yaml'], /none\.yaml/],
  [['monitor', '--hook', 'flamgraph'], /Expected --hook .*Did you mean "flamegraph"\?/],
  [['monitor', '--hook', './none.ts'], /none\.ts/],
  [['monitor', '--hook', 'perf-record,frequncy=9'], /frequncy.*Did you mean "frequency"\?/],
  [['monitor', '--no-hook', 'flamgraph'], /Did you mean "flamegraph"\?/],
  [['monitor', '--frequency', 'often'], /whole number.*got "often"/],
  [['monitor', '--max-span', '0'], /time over 0.*got "0"/],
  [['monitor', '--call-graph', 'frame'], /fp, dwarf, lbr/],
  [['monitor', '--server-pid', '1', '--server-port', '6379'], /one of --server-pid, --server-port/],
  [['monitor', '--collectperf'], /unknown option '--collectperf'[\s\S]*--collect-perf/],
  [['monitor', '--output-dir', '/proc/nowhere'], /--output-dir .*\/proc\/nowhere/],
  [['run'], /missing required argument/],
  [['stages', '/no/such.log'], /no\/such\.log/],
  [['stages', '/tmp'], /folder/],
  [['collect', '/tmp'], /to be the folder of a session/],
  [['profiles', 'check', './none.yaml'], /none\.yaml/],
  [['monitr'], /unknown command 'monitr'[\s\S]*monitor/],
] as const)(
  '%j is wrong use: code 2, one line that says what to do, and not a byte before it',
  async (args, message) => {
    const ran = await runCli(args, { input: 'benchmark output\n' });
    expect(ran.stderr).toMatch(message);
    expect(ran.code).toBe(2);
    expect(ran.stdout.toString()).toBe('');
    expect(ran.stderr).not.toContain('    at ');
    expect(ran.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  },
);

test('run of a program that is not there says so', async () => {
  using folder = new TestFolder();
  const ran = await runCli(['run', '--output-dir', folder.path, '--', 'no-such-benchmark', 'x']);
  expect(ran.stderr).toContain('no-such-benchmark');
  expect([2, 5]).toContain(ran.code);
});

test('an output folder that is a file is wrong use', async () => {
  using folder = new TestFolder();
  const file = join(folder.path, 'file');
  writeFileSync(file, '');
  const ran = await runCli(['monitor', '--output-dir', file], { input: '' });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(/--output-dir/);
});

test('a profile of your own is checked with line, key and nearest name', async () => {
  using folder = new TestFolder();
  mkdirSync(join(folder.path, 'p'));
  const file = join(folder.path, 'p', 'mine.yaml');
  writeFileSync(file, 'description: mine\nhooks:\n  perf-record: { frequncy: 99 }\n');
  const bad = await runCli(['profiles', 'check', file]);
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/perf-record.*frequncy.*Did you mean "frequency"/);
  writeFileSync(file, 'description: mine\nhooks:\n  perf-record: { frequency: 99 }\n');
  const good = await runCli(['profiles', 'check', file]);
  expect(good.code, good.stderr).toBe(0);
  expect(good.stdout.toString()).toContain('perf-record');
});

test('help has one line for the pipe, the tail and the attach case', async () => {
  for (const args of [['--help'], ['monitor', '--help'], ['help', 'monitor']]) {
    const ran = await runCli(args);
    expect(ran.code).toBe(0);
    expect(ran.stdout.toString()).toMatch(
      /pipe .*\| stagewatch monitor[\s\S]*tail[\s\S]*attach .*stagewatch run/,
    );
  }
});

test('version, hooks and profiles are told', async () => {
  expect((await runCli(['--version'])).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await runCli(['hooks'])).stdout.toString()).toMatch(
    /perf-record: .*[\s\S]*frequency \(integer, default 999\)/,
  );
  expect((await runCli(['profiles'])).stdout.toString()).toMatch(
    /^cpu: [\s\S]*^flamegraph: [\s\S]*^metrics: /m,
  );
});

test('the stages of a finished log are a table, JSON or CSV', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(
    log,
    'x\n[STAGE:START] get\n[STAGE:END] get duration=1.500s\n[STAGE:START] get\n[STAGE:END] get duration=0.500s\n[STAGE:START] =cmd()\n[STAGE:END] never duration=1s\n',
  );
  const json = JSON.parse((await runCli(['stages', log, '--json'])).stdout.toString()) as object;
  expect(json).toMatchObject({
    version: 1,
    orphanEnds: 1,
    stages: [
      { stage: 'get', spans: 2, totalMs: 2000, minMs: 500, meanMs: 1000, maxMs: 1500 },
      { stage: '=cmd()', spans: 1, unfinished: 1, totalMs: null },
    ],
  });
  const csv = (await runCli(['stages', log, '--csv'])).stdout.toString();
  expect(csv).toMatch(
    /^stage,spans,unfinished,timed,totalMs,minMs,meanMs,maxMs\nget,2,0,2,2000,500,1000,1500\n/,
  );
  expect(csv).not.toMatch(/^=cmd/m);
  expect((await runCli(['stages', log])).stdout.toString()).toMatch(/get +2 +2\.000 s/);
});

test('--verbose logs what happens inside as JSON, and --events has every event', async () => {
  using folder = new TestFolder();
  const events = join(folder.path, 'events');
  const flags = ['--profile', 'metrics', '--output-dir', join(folder.path, 'out')];
  const ran = await runCli(['monitor', ...flags, '-v', '--events', events], {
    input: '[STAGE:START] get\n[STAGE:END] get\n',
  });
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(/^\{"level":20,.*"msg":"hook system-metrics armed"\}$/m);
  const lines = readFileSync(events, 'utf8').trimEnd().split('\n');
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toContain('span-start');
  expect(types.at(-1)).toBe('session');
  const live = await runCli(['monitor', ...flags, '--events'], { input: 'x' });
  for (const line of live.stderr.trimEnd().split('\n'))
    expect(() => JSON.parse(line) as unknown).not.toThrow();
});
