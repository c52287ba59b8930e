import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { startEngine, type RunningEngine } from '../../src/engine/start.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { cli, runCli, SessionFolder, startCli, TestFolder, type Ran } from './support.ts';

/** Short runs, and few of them; nothing of the machine decides what is driven. */
const SHORT_RUNS = ['-n', '400', '--max-runs', '40', '--repeats', '2'];
const SHORT = [...SHORT_RUNS, '--driver', 'builtin'];

let folder: TestFolder;

beforeAll(async () => {
  folder = new TestFolder();
  const shape = { count: 1_500, dim: 16, queries: 100, neighbors: 20, metric: 'cosine', seed: 4 } as const;
  await makeDataset({ output: join(folder.path, 'demo'), ...shape });
  await makeDataset({ output: join(folder.path, 'wide'), ...shape, dim: 24, count: 300 });
});

afterAll(() => folder[Symbol.dispose]());

function runQueries(port: number, ...more: string[]): Promise<Ran> {
  return runCli(['run-queries', '--host', '127.0.0.1', '-p', String(port), ...more], { cwd: folder.path });
}

/** Runs a `stagewatch ...` line as a shell would. */
function runLine(line: string): string {
  return execFileSync('sh', ['-c', line.replace(/^stagewatch/, '"$0" "$1"'), process.execPath, cli], {
    encoding: 'utf8',
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('on the embedded engine', () => {
  let engine: RunningEngine;

  beforeAll(async () => {
    engine = await startEngine({ perfMap: false });
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  test.each([
    ['--host', ['--dataset', 'demo']],
    ['--dataset', ['--host', '127.0.0.1']],
  ])('without %s it says what it needs', async (flag, args) => {
    const ran = await runCli(['run-queries', ...args], { cwd: folder.path });
    expect(ran).toMatchObject({ code: 2, stderr: `stagewatch: Expected ${flag}: all else is found out.\n` });
  });

  test.each([
    [['--dataset', 'nothing-there'], 'Expected a dataset, got "nothing-there"'],
    [['--dataset', 'demo', '-t', 'get'], 'Expected no --operation but vec-query'],
    [['--dataset', 'demo', '--target-recall', '1.5'], 'Expected a number from 0 to 1'],
    [['--dataset', 'demo', '-k', '21'], 'at most 20'],
  ])('wrong use ends with 2: %j', async (args, message) => {
    const { code, stderr } = await runQueries(engine.port, ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('without an index it loads nothing, and says the command that does; that command is right', async () => {
    const first = await runQueries(engine.port, '--dataset', 'demo');
    expect(first.code).toBe(4);
    expect(first.stderr).toContain(`There is no index "demo-1K-16-20" on 127.0.0.1:${engine.port}.`);
    expect(await ask(engine.port, 'DBSIZE')).toBe('0');
    const [, load] = /Load demo with: (.*) \(or let --load do that\)/.exec(first.stderr)!;
    runLine(load!);
    expect(await ask(engine.port, 'DBSIZE')).toBe('1500');

    const second = await runQueries(engine.port, '--dataset', 'demo', '--dry-run');
    expect(second.code).toBe(0);
    expect(second.stdout.toString()).toContain('--search-index demo-1K-16-20');
    expect(second.stderr).toMatch(
      /dataset +\S+demo.bin: 1,500 x 16, cosine, 100 queries, 20 true neighbours/,
    );
    expect(second.stderr).toMatch(/server +stagewatch-engine \S+ at \S+, FT\.\* commands/);
    expect(second.stderr).toMatch(/index +demo-1K-16-20, keys zvec_demo:/);
  });

  test('it ends with the command that reproduces the answer', async () => {
    const wanted = ['--dataset', 'demo', '--load', '--target-recall', '0.9', '--output', 'trials.csv'];
    const { code, stdout, stderr } = await runQueries(engine.port, ...wanted, ...SHORT);
    expect(code, stderr).toBe(0);
    const answer = stdout.toString();
    expect(answer).toContain('Found the highest QPS with recall >= 0.9');
    const again = answer.trimEnd().split('\n').at(-1)!;
    expect(again).toMatch(/^Again +stagewatch load .*--ef-search \d+/);
    const result = runLine(again.replace(/^Again +/, ''));
    const recall = (text: string): number => Number(/[Rr]ecall:? +avg[= ](\d\.\d+)/.exec(text)![1]);
    expect(recall(result)).toBeCloseTo(recall(answer), 2);
    expect(recall(result)).toBeGreaterThanOrEqual(0.9);
    expect(stderr).toMatch(/^\[STAGE:START\] vec-query:ef_\d+_clients_\d+$/m);
  }, 180_000);

  test('an index of something else is an error, and nothing is measured', async () => {
    const ran = await runQueries(engine.port, '--dataset', 'wide', '--search-index', 'demo-1K-16-20');
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain('holds vectors of 16 dimensions, the dataset wide has 24');
    expect(ran.stderr).not.toContain('STAGE');
  });

  test('a search that was cut short goes on with --resume, and needs nothing said again', async () => {
    using output = new TestFolder();
    const args = [
      'run-queries',
      '--host',
      '127.0.0.1',
      '-p',
      String(engine.port),
      '--dataset',
      'demo',
      '--load',
    ];
    const running = startCli([...args, ...SHORT, '--output-dir', output.path], { cwd: folder.path });
    running.child.stdin!.end();
    await running.said('trial 2 ');
    running.child.kill('SIGINT');
    const first = await running.ended;
    expect(first.code, first.stderr).toBe(130);

    const cut = new SessionFolder(output.path);
    const second = await runCli(['run-queries', '--resume', cut.path], { cwd: folder.path });
    expect([0, 6], second.stderr).toContain(second.code);
    expect(second.stdout.toString()).toMatch(/recall >= 0\.95/);
    // What was measured before is not measured again: its stages are not there.
    const stages = [...second.stderr.matchAll(/START\] (\S+)/g)];
    const all = [...second.stderr.matchAll(/^stagewatch: trial (\d+)/gm)].length;
    expect(stages.length).toBeLessThan(all);
  }, 180_000);

  test('Ctrl-C while the dataset is loaded ends it: 130, the stage closed, nothing left running', async () => {
    const args = [
      'run-queries',
      '--host',
      '127.0.0.1',
      '-p',
      String(engine.port),
      '--dataset',
      'wide',
      '--load',
    ];
    const running = startCli([...args, ...SHORT], { cwd: folder.path });
    running.child.stdin!.end();
    await running.said('[STAGE:START] vec-load');
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/^\[STAGE:END\] vec-load duration=/m);
    await sleep(100);
    const clients = await ask(engine.port, 'CLIENT', 'LIST');
    expect(clients?.trim().split('\n')).toHaveLength(1);
  });
});

describe('on Redis 8', () => {
  needs('redis-server');

  test('vector sets are loaded and found, by the generator that knows them', async () => {
    await using server = await startServer({ program: 'redis-server' });
    const wanted = [
      '--dataset',
      'demo',
      '--load',
      '--ef-search',
      '50',
      '--max-value',
      '8',
      '--target-recall',
      '0.5',
    ];
    const { code, stdout, stderr } = await runQueries(server.port, ...wanted, ...SHORT_RUNS);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/server +redis \S+ at \S+, vector sets/);
    expect(await ask(server.port, 'VCARD', 'zvec_demo:demo-1K-16-20')).toBe('1500');
    expect(stdout.toString()).toContain('--search-index zvec_demo:demo-1K-16-20');
  }, 180_000);
});

test('a server that is not there is said, with exit code 4', async () => {
  const { code, stderr } = await runQueries(1, '--dataset', 'demo');
  expect(code).toBe(4);
  expect(stderr).toContain('nothing listens there');
});
