import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { threadsOf } from '../../src/experiment/affinity.ts';
import { onlineCpus } from '../../src/experiment/cpu-list.ts';
import { RestartableServer } from '../experiment/restartable.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { runCli, SessionFolder, startCli, TestFolder } from './support.ts';

needs('valkey-server', 'perf');

const config = async (port: number, name: string): Promise<string> => {
  const { ControlLink } = await import('../../src/load/control-link.ts');
  const link = await ControlLink.open({ host: '127.0.0.1', port, database: 0 });
  const reply = await link.demand(['CONFIG', 'GET', name]);
  link.close();
  return String((reply as readonly unknown[])[1]);
};

/** What every run of these tests is given. */
const common = (port: number, folder: TestFolder): string[] => [
  ...['-p', String(port), '-c', '3', '--num-threads', '1', '--output-dir', join(folder.path, 'sessions')],
];
const sessionOf = (folder: TestFolder): SessionFolder => new SessionFolder(join(folder.path, 'sessions'));

/** `changing hz 10->20`, as the journal has it. */
const settingsOf = (folder: TestFolder): string[] =>
  sessionOf(folder)
    .eventsOf('setting')
    .map(({ state, setting, from, to }) => `${state} ${setting.replace('config:', '')} ${from}->${to}`);

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await what()) return;
    await sleep(50);
  }
  throw new Error('it never came to that');
}

describe('the server’s own settings', () => {
  test('are turned by a search, and put back at its end', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const ran = await runCli([
      ...['grid-search', '-t', 'get', '--driver', 'builtin', '-n', '200', '--repeats', '1'],
      ...['--grid', 'config:hz=20,50', '--set-config', 'maxmemory=64mb'],
      ...common(server.port, folder),
    ]);
    expect(ran.stderr).toContain('[STAGE:START] get:config_hz_20');
    expect([0, 6]).toContain(ran.code);
    expect(await config(server.port, 'hz')).toBe('10');
    expect(await config(server.port, 'maxmemory')).toBe('0');
    const lines = settingsOf(folder);
    expect(
      lines
        .filter((line) => line.startsWith('changed'))
        .slice(0, 3)
        .toSorted(),
    ).toEqual(['changed hz 10->20', 'changed hz 10->50', 'changed maxmemory 0->64mb']);
    expect(
      lines
        .slice(-2)
        .map((line) => line.split(' ', 2).join(' '))
        .toSorted(),
    ).toEqual(['restored hz', 'restored maxmemory']);
  });

  test('are put back when the benchmark fails', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const ran = await runCli([
      ...['bench', '-t', 'get', '--driver', 'builtin', '--duration', '60', '--timeout', '500ms'],
      ...['--set-config', 'hz=50', ...common(server.port, folder)],
    ]);
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining('timeout') as string]);
    expect(await config(server.port, 'hz')).toBe('10');
    expect(settingsOf(folder).at(-1)).toBe('restored hz 10->50');
  });

  test('are put back at Ctrl-C', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const run = startCli([
      ...['bench', '-t', 'get', '--driver', 'builtin', '--duration', '60', '--set-config', 'hz=50'],
      ...common(server.port, folder),
    ]);
    await run.said('[STAGE:START] get');
    expect(await config(server.port, 'hz')).toBe('50');
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(await config(server.port, 'hz')).toBe('10');
    expect(settingsOf(folder)).toEqual(['changing hz 10->50', 'changed hz 10->50', 'restored hz 10->50']);
    expect(sessionOf(folder).survivors()).toEqual([]);
  });

  test('are in the journal for whoever cleans up after SIGKILL', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const run = startCli([
      ...['bench', '-t', 'get', '--driver', 'builtin', '--duration', '60', '--set-config', 'hz=50'],
      ...common(server.port, folder),
    ]);
    await run.said('[STAGE:START] get');
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await config(server.port, 'hz')).toBe('50');
    const settings = sessionOf(folder).eventsOf('setting');
    expect(settings.at(-1)).toMatchObject({
      state: 'changed',
      setting: 'config:hz',
      from: '10',
      to: '50',
      server: `127.0.0.1:${server.port}`,
    });
  });

  test('of its start are swept by restarts, with a profile at each point', { timeout: 120_000 }, async () => {
    using folder = new TestFolder();
    await using server = await RestartableServer.start();
    const ran = await runCli([
      ...['grid-search', '-t', 'get', '--driver', 'builtin', '--duration', '700ms', '--max-runs', '2'],
      ...['--grid', 'config:io-threads=1,2', '--restart-command', [...server.argv, '{io-threads}'].join(' ')],
      // With few clients the I/O threads sleep.
      ...['--collect-perf', ...common(server.port, folder), '-c', '20'],
    ]);
    // Two runs are too few to be sure which is better.
    expect([0, 6]).toContain(ran.code);
    const session = sessionOf(folder);
    for (const threads of ['1', '2']) {
      const span = session.span(`get:config_io-threads_${threads}`);
      expect(session.stacks(span)).toContain('valkey');
    }
    expect(session.stacks(session.span('get:config_io-threads_2'))).toMatch(/^io_thd/m);
    expect(session.stacks(session.span('get:config_io-threads_1'))).not.toMatch(/^io_thd/m);
    expect(await config(server.port, 'io-threads')).toBe('1');
    expect(settingsOf(folder).at(-1)).toMatch(/^restored io-threads 1->/);
  });

  test('are changed with --yes only, where the server holds something', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    await ask(server.port, 'SET', 'theirs', '1');
    const args = ['bench', '-t', 'get', '--driver', 'builtin', '-n', '100', '--set-config', 'hz=50'];
    const refused = await runCli([...args, ...common(server.port, folder)]);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('Expected --yes for changing hz') as string,
    ]);
    using another = new TestFolder();
    expect((await runCli([...args, '--yes', ...common(server.port, another)])).code).toBe(0);
    expect(await config(server.port, 'hz')).toBe('10');
  });
});

describe.skipIf(onlineCpus().length < 2)('where things run', () => {
  test('server and benchmark are placed, recorded, and put back', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const places = (pid: number): string[] => [...new Set(threadsOf(pid).map(({ cpus }) => cpus))];
    const before = places(server.pid);
    const [first, second] = onlineCpus().map(String) as [string, string];
    const run = startCli([
      ...['bench', '-t', 'get', '--driver', 'builtin', '--duration', '60'],
      ...['--server-cpus', first, '--client-cpus', second, ...common(server.port, folder)],
    ]);
    await run.said('[STAGE:START] get');
    expect(places(server.pid)).toEqual([first]);
    const isLoad = (pid: number): boolean =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0load\0');
    const children = (): number[] => {
      const pids = readFileSync(`/proc/${run.child.pid!}/task/${run.child.pid!}/children`, 'utf8');
      return pids.trim().split(' ').filter(Boolean).map(Number);
    };
    await until(() => children().some((pid) => isLoad(pid) && places(pid).join() === second));
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`the benchmark runs on the CPUs ${second}`);
    expect(stderr).toMatch(
      new RegExp(String.raw`valkey-server \(PID ${server.pid}\) runs on the CPUs ${first}`),
    );
    expect(places(server.pid)).toEqual(before);
    expect(
      sessionOf(folder)
        .eventsOf('setting')
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(
      threadsOf(server.pid)
        .flatMap(() => ['changed', 'changing', 'restored'])
        .toSorted(),
    );
  });

  test('a CPU that is not there is a slip', async () => {
    using folder = new TestFolder();
    const ran = await runCli(['bench', '-t', 'get', '--server-cpus', '8000', ...common(1, folder)]);
    expect([ran.code, ran.stderr]).toEqual([
      2,
      expect.stringContaining('Expected --server-cpus to name CPUs out of') as string,
    ]);
  });
});

interface Answer {
  readonly state: string;
  readonly points: readonly {
    readonly stage: string;
    readonly state: string;
    readonly result: { readonly qps: number };
    readonly counts: { readonly evictedKeys: number; readonly oomErrors: number };
    readonly bytesPerKey: number;
    readonly bytesOutPerSecond: number;
  }[];
}

describe('memory-saturation', () => {
  test('tells what a full server does, as a table, JSON and CSV, and leaves it as it was', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const json = join(folder.path, 'memory.json');
    const csv = join(folder.path, 'memory.csv');
    const ran = await runCli([
      ...['memory-saturation', '--maxmemory', '16mb', '--policy', 'allkeys-lru', '--steps', '60,100'],
      ...['--duration', '500ms', '--json', json, '--output', csv, '--hook', 'threads'],
      ...common(server.port, folder),
    ]);
    expect([ran.code, ran.stderr]).toEqual([
      0,
      expect.stringContaining('[STAGE:START] set:mem_100') as string,
    ]);
    expect(ran.stdout.toString()).toMatch(/^set:mem_60 +\d\d\.\d %/m);
    const answer = JSON.parse(readFileSync(json, 'utf8')) as Answer;
    expect(answer.state).toBe('done');
    expect(answer.points.map(({ stage, counts }) => [stage, counts.evictedKeys > 0])).toEqual([
      ['set:mem_60', false],
      ['set:mem_100', true],
    ]);
    const session = sessionOf(folder);
    const rows = readFileSync(csv, 'utf8');
    expect(rows.split('\n').map((row) => row.split(',', 1)[0])).toEqual([
      'stage',
      'set:mem_60',
      'set:mem_100',
      '',
    ]);
    expect(readFileSync(join(session.path, 'results.csv'), 'utf8')).toBe(rows);
    expect(session.span('set:mem_100').targets[0]!.hooks['threads']).toBeDefined();
    expect(await ask(server.port, 'DBSIZE')).toBe('0');
    expect(await config(server.port, 'maxmemory')).toBe('0');
    expect(await config(server.port, 'maxmemory-policy')).toBe('noeviction');
  });

  test('Ctrl-C leaves no key and no setting behind', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const run = startCli([
      ...['memory-saturation', '--maxmemory', '32mb', '--steps', '10,90', '--duration', '60'],
      ...common(server.port, folder),
    ]);
    await run.said('[STAGE:START] set:mem_10');
    expect(Number(await ask(server.port, 'DBSIZE'))).toBeGreaterThan(100);
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(await ask(server.port, 'DBSIZE')).toBe('0');
    expect(await config(server.port, 'maxmemory')).toBe('0');
  });
});

test('payload-impact shows what a size costs', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  const ran = await runCli([
    ...['payload-impact', '--sizes', '16,4kb', '--keys', '500', '--duration', '700ms', '--json'],
    ...common(server.port, folder),
  ]);
  expect(ran.code).toBe(0);
  const { points } = JSON.parse(ran.stdout.toString()) as Answer;
  expect(points.map(({ stage }) => stage)).toEqual([
    'set:size_16',
    'get:size_16',
    'set:size_4096',
    'get:size_4096',
  ]);
  expect(points[3]!.bytesPerKey).toBeGreaterThan(4096);
  expect(points[3]!.bytesOutPerSecond / points[3]!.result.qps).toBeGreaterThan(4096);
  expect(await ask(server.port, 'DBSIZE')).toBe('0');
});
