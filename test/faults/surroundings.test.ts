import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { cli, fixture, runCli, SessionFolder, TestFolder } from '../e2e/support.ts';
import { Piped } from './support.ts';

const metrics = (outputDir: string, env: NodeJS.ProcessEnv = {}): Piped =>
  new Piped(['--profile', 'metrics', '--output-dir', outputDir], { env });

test('the wall clock steps back and forward by an hour: spans last as long as they did', async () => {
  using folder = new TestFolder();
  const preload = new URL(`file://${fixture('clock-steps.mjs')}`).href;
  const piped = metrics(folder.path, { NODE_OPTIONS: `--import ${preload}` });
  await piped.running.said('system-metrics armed');
  await sleep(1_000);
  for (const name of ['a', 'b', 'c']) await piped.stage(name, 400);
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([0, piped.sent]);
  const session = new SessionFolder(folder.path);
  const hours = new Set(session.events.map(({ t }) => t.slice(0, 13)));
  expect(hours.size).toBeGreaterThan(1); // the clock did step
  for (const { durationMs, targets } of session.spans) {
    expect(durationMs).toBeGreaterThan(390);
    expect(durationMs).toBeLessThan(5_000);
    expect(targets[0]!.hooks['system-metrics']!.coverage.ratio).toBeGreaterThan(0.5);
  }
});

test('10,000 spans open at once are all journalled and closed', async () => {
  using folder = new TestFolder();
  const piped = metrics(folder.path);
  await piped.running.said('system-metrics armed');
  const names = Array.from({ length: 10_000 }, (_, i) => `s:${i}`);
  piped.write(names.map((name) => `[STAGE:START] ${name}\n`).join(''));
  await sleep(300);
  piped.write(
    names
      .slice(1)
      .map((name) => `[STAGE:END] ${name}\n`)
      .join(''),
  );
  const ran = await piped.end();
  expect(ran.stdout.length).toBe(piped.sent.length);
  const session = new SessionFolder(folder.path);
  expect([session.eventsOf('span-start').length, session.eventsOf('span-end').length]).toEqual([
    10_000, 10_000,
  ]);
  expect(session.eventsOf('span-end').filter(({ state }) => state === 'unfinished')).toHaveLength(1);
});

test('an end before its start is told, and is no span', async () => {
  using folder = new TestFolder();
  const ran = await runCli(['monitor', '--profile', 'metrics', '--output-dir', folder.path], {
    input: '[STAGE:END] a duration=1.000s\n[STAGE:START] a\n',
  });
  expect(ran.stderr).toContain('a: an end without a start');
  const session = new SessionFolder(folder.path);
  expect(session.eventsOf('orphan-end')).toHaveLength(1);
  expect(session.eventsOf('span-end')).toMatchObject([{ state: 'unfinished' }]);
});

test('few file descriptors: what cannot be opened is told, the output goes through', async () => {
  using folder = new TestFolder();
  const input = '[STAGE:START] a\n[STAGE:END] a\nlast line\n';
  const args = [cli, 'monitor', '--profile', 'metrics', '--output-dir', folder.path];
  // To start, Node needs about 50.
  const ran = spawnSync('prlimit', ['--nofile=60:60', process.execPath, ...args], { input });
  expect([ran.stdout.toString(), ran.signal]).toEqual([input, null]);
  expect([0, 3]).toContain(ran.status);
});

test('no inotify left: a followed log is read all the same', async () => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(log, '');
  // A user namespace of its own has limits of its own.
  const script = `echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"`;
  const args = [
    'monitor',
    log,
    '--idle-timeout',
    '2',
    '--profile',
    'metrics',
    '--output-dir',
    `${folder.path}/out`,
  ];
  const child = spawn('unshare', ['-Ur', 'sh', '-c', script, 'sh', process.execPath, cli, ...args]);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (let i = 0; i < 200 && !said.includes('session '); i++) await sleep(50);
  await sleep(500);
  writeFileSync(log, '[STAGE:START] a\n', { flag: 'a' });
  await sleep(300);
  writeFileSync(log, '[STAGE:END] a\n', { flag: 'a' });
  await ended;
  const session = new SessionFolder(`${folder.path}/out`);
  expect(session.eventsOf('span-end'), said).toMatchObject([{ stage: 'a', state: 'finished' }]);
});

const memoryGroups = '/sys/fs/cgroup/memory';

test.skipIf(process.geteuid?.() !== 0 || !existsSync(join(memoryGroups, 'memory.limit_in_bytes')))(
  'limited to 128 MB it follows 200 MB of output',
  async () => {
    using folder = new TestFolder();
    const group = join(memoryGroups, `stagewatch-test-${process.pid}`);
    mkdirSync(group);
    try {
      writeFileSync(join(group, 'memory.limit_in_bytes'), String(128 << 20));
      const script = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"';
      const args = [
        process.execPath,
        cli,
        'monitor',
        '-q',
        '--profile',
        'metrics',
        '--output-dir',
        folder.path,
      ];
      const child = spawn('sh', ['-c', script, 'sh', group, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
      let bytes = 0;
      child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const piece = Buffer.from(`${'x'.repeat(99)}\n`.repeat(10_486));
      for (let i = 0; i < 200; i++)
        if (!child.stdin.write(piece)) await new Promise((drained) => child.stdin.once('drain', drained));
      child.stdin.end();
      expect([await ended, bytes]).toEqual([0, 200 * piece.length]);
      expect(readFileSync(join(group, 'memory.oom_control'), 'utf8')).toMatch(/oom_kill 0/);
    } finally {
      await sleep(100);
      rmdirSync(group);
    }
  },
);

test('a locale with a comma, and paths with blanks, quotes and newlines', async () => {
  using folder = new TestFolder();
  const outputDir = join(folder.path, `it's "here"\nand $(there)`);
  const env = { LC_ALL: 'de_DE.UTF-8', LC_NUMERIC: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' };
  const piped = metrics(outputDir, env);
  await piped.running.said('system-metrics armed');
  await piped.stage('a', 300);
  const ran = await piped.end();
  expect([ran.code, ran.stdout.toString()]).toEqual([0, piped.sent]);
  const session = new SessionFolder(outputDir);
  expect(session.span('a').targets[0]!.hooks['system-metrics']!.artifacts).toHaveLength(1);
  const shown = await runCli(['show', session.path], { env });
  expect([shown.code, shown.stderr]).toEqual([0, '']);
});
