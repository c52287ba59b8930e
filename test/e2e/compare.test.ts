import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { madeSession, type MadeSession } from '../report/made-session.ts';
import { runCli, TestFolder } from './support.ts';

type Runs = readonly (readonly [stage: string, cpuUs: number])[];

/** A session of these runs, in this order. */
function sessionOf(runs: Runs, more: Partial<MadeSession> = {}): ReturnType<typeof madeSession> {
  return madeSession({
    stages: runs.map(([stage]) => stage),
    folded: (i) =>
      `valkey-server;main;lookup 500\nvalkey-server;main;reply ${Math.round(100 * runs[i]![1] - 500)}`,
    cpuUs: (i) => runs[i]![1],
    ...more,
  });
}

const base = (stage: string): Runs => [10, 10, 10, 10].map((cpuUs) => [stage, cpuUs]);
/** Logarithms of the ratios to a base of 10 µs. */
const fresh = (stage: string, logs: readonly number[]): Runs =>
  logs.map((log) => [stage, 10 * Math.exp(log)]);

const SLOW = [0.1, 0.11, 0.09, 0.1];
const FAST = [-0.1, -0.11, -0.09, -0.1];
const SAME = [0, 0.001, -0.001, 0];
const NOISY = [0.1, -0.1, 0.05, -0.05];

test('known figures give the verdicts, intervals and exit code that they must', async () => {
  await using old = await sessionOf([...['slow', 'fast', 'same', 'noisy'].flatMap(base), ['single', 10]]);
  await using now = await sessionOf([
    ...fresh('slow', SLOW),
    ...fresh('fast', FAST),
    ...fresh('same', SAME),
    ...fresh('noisy', NOISY),
    ['single', 20],
  ]);
  const ran = await runCli(['compare', old.folder, now.folder, '--json']);
  expect(ran.stderr).toBe('');
  expect(ran.code).toBe(1);
  const json = JSON.parse(ran.stdout.toString()) as {
    version: number;
    verdict: string;
    stages: { stage: string; verdict: string; why: string; functions: object[]; figures: object[] }[];
  };
  expect(json).toMatchObject({ version: 1, verdict: 'slower', margin: 0.02, confidence: 0.95 });
  expect(json.stages.map(({ stage, verdict }) => `${stage} ${verdict}`)).toEqual([
    'slow slower',
    'fast faster',
    'same same',
    'noisy undecided',
    'single undecided',
  ]);
  // By hand: the deviation of SLOW is 0.00816497, Student's t(0.975; 3) is 3.182446.
  const half = (3.182446 * 0.00816497) / 2;
  const [slow, , , noisy, single] = json.stages;
  expect(slow!.figures[0]).toMatchObject({
    metric: 'cpuUsPerCommand',
    judged: true,
    base: expect.closeTo(10, 6),
    new: expect.closeTo(10 * Math.exp(0.1), 6),
    change: expect.closeTo(Math.expm1(0.1), 6),
    interval: [expect.closeTo(Math.expm1(0.1 - half), 6), expect.closeTo(Math.expm1(0.1 + half), 6)],
    pairs: 4,
    method: 't on log ratios',
  });
  expect(noisy!.why).toMatch(/it takes [\d,]+ more pairs/);
  expect(single!.why).toContain('one run a side');
  // lookup has 500 of 1,000 samples of 10 µs before, and as many of about 1,105 of 11.05 µs now: reply did it alone.
  expect(slow!.functions).toMatchObject([
    { name: 'reply', baseUs: expect.closeTo(5, 6), newUs: expect.closeTo(6.05, 1) },
  ]);
});

test.each([
  ['same', SAME, 0],
  ['faster', FAST, 0],
  ['slower', SLOW, 1],
  ['undecided', NOISY, 6],
] as const)('%s has its exit code, in words, Markdown and JUnit too', async (verdict, logs, code) => {
  using own = new TestFolder();
  await using old = await sessionOf(base('get'));
  await using now = await sessionOf(fresh('get', logs));
  const [markdown, junit] = [join(own.path, 'x.md'), join(own.path, 'x.xml')];
  const ran = await runCli(['compare', old.folder, now.folder, '--markdown', markdown, '--junit', junit]);
  expect(ran.code).toBe(code);
  expect(ran.stdout.toString()).toMatch(new RegExp(`^get +${verdict} +CPU µs/command +10 `, 'm'));
  expect(readFileSync(markdown, 'utf8')).toContain(` ${verdict} | CPU µs/command | 10 |`);
  const xml = readFileSync(junit, 'utf8');
  expect(xml.includes('<failure message="slower: ')).toBe(verdict === 'slower');
  expect(xml.includes('<skipped message="undecided: ')).toBe(verdict === 'undecided');
});

test('a wider margin makes the same change none', async () => {
  await using old = await sessionOf(base('get'));
  await using now = await sessionOf(fresh('get', SLOW));
  expect((await runCli(['compare', old.folder, now.folder, '--margin', '15%'])).code).toBe(0);
  const bad = await runCli(['compare', old.folder, now.folder, '--margin', 'much']);
  expect(bad.code).toBe(2);
  expect(bad.stderr).toContain('Expected a percentage from 0 to 100');
});

test('several sessions of each side are the runs, and the flame graph shows what changed', async () => {
  using own = new TestFolder();
  await using a = await sessionOf([['get', 10]]);
  await using b = await sessionOf([['get', 10.1]]);
  await using c = await sessionOf([['get', 12]]);
  await using d = await sessionOf([['get', 12.1]]);
  const html = join(own.path, 'change.html');
  const ran = await runCli([
    ...['compare', '--base', a.folder, b.folder, '--new', c.folder, d.folder],
    ...['--html', html, '--output-dir', join(own.path, 'all')],
  ]);
  // They all began at the same moment: nobody knows that they alternated.
  expect(ran.stdout.toString()).toContain('not by pairs, since the runs of the two sides did not alternate');
  expect(ran.code).toBe(1);
  expect(readFileSync(html, 'utf8')).toContain('"before":');
  expect(readdirSync(join(own.path, 'all'))).toEqual(['001-get.html']);
});

test('a baseline is kept and compared with, and another host is refused unless it is taken all the same', async () => {
  using own = new TestFolder();
  const host = { os: { kernel: '6.1.0' }, cpu: { model: 'A', cores: 2 } };
  await using old = await sessionOf(base('get'), { host });
  await using now = await sessionOf(fresh('get', SLOW), { host });
  await using elsewhere = await sessionOf(fresh('get', SAME), {
    host: { ...host, os: { kernel: '6.12.0' } },
  });
  const file = join(own.path, 'perf.json');
  const saved = await runCli(['compare', '--save-baseline', file, old.folder]);
  expect(saved).toMatchObject({ code: 0, stderr: '' });
  expect(saved.stdout.toString()).toBe(`${file}: 1 stages, 4 runs\n`);

  expect((await runCli(['compare', '--baseline', file, now.folder])).code).toBe(1);
  const refused = await runCli(['compare', '--baseline', file, elsewhere.folder]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('host.kernel differs: 6.1.0 against 6.12.0. --anyway');
  expect(refused.stdout.toString()).toBe('');
  const anyway = await runCli(['compare', '--baseline', file, '--anyway', elsewhere.folder]);
  expect(anyway.code).toBe(0);
  expect(anyway.stdout.toString()).toContain('warning: other-setup: host.kernel differs');

  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 200));
  const cut = await runCli(['compare', '--baseline', file, now.folder]);
  expect(cut.code).toBe(2);
  expect(cut.stderr).toMatch(/^stagewatch: Expected --baseline .* is no whole JSON/);
});

test.each([
  [[], 'Expected two sessions, BASE and NEW, got 0'],
  [
    ['a', 'b', 'c'],
    'Expected two sessions, BASE and NEW, got 3: several of a side are named by --base and --new',
  ],
  [['--base', 'a'], 'Expected --base and --new, each with its sessions'],
  [['--baseline', 'x'], 'Expected sessions to compare with --baseline, got none'],
  [
    ['a', 'b', '--json', '--markdown'],
    'Expected at most one of --json, --markdown and --junit without a file',
  ],
  [['/nowhere', '/nowhere'], 'Expected "/nowhere" to be the folder of a session'],
])('%j is a slip, told in a sentence', async (args, message) => {
  const ran = await runCli(['compare', ...args]);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(message);
  expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
});

test('one session that is not of ab has only one side', async () => {
  await using old = await sessionOf(base('get'));
  const ran = await runCli(['compare', old.folder]);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain('is not of stagewatch ab');
  expect(existsSync(join(old.folder, 'results.json'))).toBe(false);
});
