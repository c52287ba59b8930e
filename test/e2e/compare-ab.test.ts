import { connect, type Socket } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { Curve } from './search-support.ts';
import { runCli, SessionFolder, startCli, TestFolder } from './support.ts';

needs('valkey-server', 'valkey-benchmark');

let a: RunningServer;
let b: RunningServer;
beforeAll(async () => {
  [a, b] = await Promise.all([startServer(), startServer()]);
});
afterAll(async () => {
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
});

interface AbJson {
  readonly verdict: string;
  readonly ended: string;
  readonly session: string;
  readonly stages: readonly {
    readonly stage: string;
    readonly verdict: string;
    readonly unpaired: string | null;
    readonly runs: { readonly base: number; readonly new: number };
    readonly figures: readonly {
      readonly metric: string;
      readonly judged: boolean;
      readonly change: number;
    }[];
    readonly functions: readonly object[];
  }[];
}

const sides = (): string[] => ['--a', String(a.port), '--b', `127.0.0.1:${b.port}`];
const binary = (): string[] => ['--binary', locate('valkey-benchmark')!];
const jsonOf = (stdout: Buffer): AbJson => JSON.parse(stdout.toString()) as AbJson;

/** Each command on that server is written to these connections too: it costs CPU time, in the server itself. */
function attachMonitors(port: number, count: number): Disposable {
  const sockets: Socket[] = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => 'the server may end first');
    socket.on('data', () => {});
    socket.write('MONITOR\r\n');
    return socket;
  });
  return { [Symbol.dispose]: () => sockets.forEach((socket) => socket.destroy()) };
}

test('a server against its like is not slower, in turns, each run with its own server’s figures', async () => {
  using own = new TestFolder();
  const ran = await runCli([
    ...['ab', ...sides(), '--pairs', '6', '--json', '--output-dir', own.path, '--client-cpus', '0'],
    ...['--', locate('valkey-benchmark')!, '-t', 'get', '-n', '20000', '-c', '10'],
  ]);
  expect([0, 6]).toContain(ran.code);
  const { stages, ended } = jsonOf(ran.stdout);
  expect(ended).toBe('done');
  expect(stages).toMatchObject([{ stage: 'get', unpaired: null, runs: { base: 6, new: 6 } }]);
  expect(stages[0]!.figures[0]).toMatchObject({ metric: 'cpuUsPerCommand', judged: true });
  const session = new SessionFolder(own.path);
  expect(session.spans.map(({ stage }) => stage).join(' ')).toBe(
    'get:a get:b get:b get:a get:a get:b get:b get:a get:a get:b get:b get:a',
  );
  // The other server rests, and is not profiled.
  for (const { stage, targets } of session.spans) {
    expect(targets).toMatchObject([{ pid: (stage === 'get:a' ? a : b).pid }]);
    expect(targets[0]!.hooks['server-metrics']!['commands']).toBeGreaterThanOrEqual(20_000);
  }
  expect(session.survivors()).toEqual([]);
  // The session says the same afterwards, and keeps it.
  const again = await runCli(['compare', session.path, '--json']);
  expect(again.code).toBe(ran.code);
  expect(jsonOf(again.stdout).stages).toEqual(stages);
  expect(JSON.parse(readFileSync(join(session.path, 'results.json'), 'utf8'))).toMatchObject({ stages });
}, 120_000);

test('a server that spends more CPU time on each request is slower', async () => {
  using own = new TestFolder();
  using monitors = attachMonitors(b.port, 4);
  void monitors;
  const ran = await runCli([
    ...['ab', ...sides(), '--pairs', '8', '--json', '--output-dir', own.path, ...binary()],
    ...['-t', 'set', '-r', '1000', '-n', '20000', '-c', '10'],
  ]);
  expect(jsonOf(ran.stdout)).toMatchObject({ verdict: 'slower' });
  expect(ran.code).toBe(1);
}, 120_000);

test('a server that is held up most of its time is slower by QPS: so much shows on a busy machine too', async () => {
  using own = new TestFolder();
  const timer = setInterval(() => {
    process.kill(b.pid, 'SIGSTOP');
    setTimeout(() => process.kill(b.pid, 'SIGCONT'), 15);
  }, 20);
  try {
    const ran = await runCli([
      ...['ab', ...sides(), '--by', 'qps', '--pairs', '10', '--json', '--output-dir', own.path, ...binary()],
      ...['-t', 'get', '-n', '20000', '-c', '10'],
    ]);
    expect(jsonOf(ran.stdout)).toMatchObject({ verdict: 'slower' });
    expect(ran.code).toBe(1);
  } finally {
    clearInterval(timer);
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(b.pid, 'SIGCONT');
  }
}, 120_000);

test('with a precision it ends as soon as the change is known as closely', async () => {
  using own = new TestFolder();
  const curve = new Curve(own.path, 20);
  const run = (...more: string[]): ReturnType<typeof runCli> =>
    runCli([
      ...['ab', ...sides(), '-t', 'get', '-c', '4', '--binary', curve.binary, '--json'],
      ...[
        '--output-dir',
        join(own.path, 'out'),
        '--no-hook',
        'server-metrics',
        '--no-hook',
        'threads',
        ...more,
      ],
    ]);
  const exact = await run('--precision', '1%');
  // Its figures have no noise at all.
  expect(jsonOf(exact.stdout)).toMatchObject({
    verdict: 'same',
    ended: 'done',
    stages: [{ runs: { base: 5, new: 5 } }],
  });
  expect(exact.code).toBe(0);
  const cut = await run('--pairs', '9', '--max-runs', '7');
  expect(jsonOf(cut.stdout)).toMatchObject({ ended: 'max-runs', stages: [{ runs: { base: 3, new: 3 } }] });
}, 60_000);

test('interrupted, it compares the pairs that it has', async () => {
  using own = new TestFolder();
  const running = startCli([
    ...['ab', ...sides(), '--pairs', '1000', '--output-dir', own.path, ...binary()],
    ...['-t', 'get', '-n', '5000', '-c', '5'],
  ]);
  await running.said('pair 3:');
  running.child.kill('SIGINT');
  const ran = await running.ended;
  expect(ran.code).toBe(130);
  expect(ran.stdout.toString()).toMatch(/^get +(?:undecided|same|slower|faster) /m);
  expect(new SessionFolder(own.path).survivors()).toEqual([]);
}, 60_000);

test('runs that fail end it, with the reason', async () => {
  using own = new TestFolder();
  const gone = await startServer();
  await gone[Symbol.asyncDispose]();
  const ran = await runCli([
    ...['ab', '--a', String(a.port), '--b', String(gone.port), '--output-dir', own.path, ...binary()],
    ...['-t', 'get', '-n', '1000'],
  ]);
  expect(ran.code).toBe(4);
  expect(ran.stderr).toContain('get:b of pair 1 failed: ');
  expect(ran.stderr).toContain('given up, since three runs failed');
  expect(ran.stdout.toString()).toBe('');
}, 60_000);

test.each([
  [['--a', '1'], 'Expected both servers, --a HOST:PORT and --b HOST:PORT'],
  [['--a', 'x', '--b', '2'], 'Expected HOST:PORT, like 127.0.0.1:6379, got "x"'],
  [['--a', '1', '--b', '2', '-t', 'get', '-p', '3'], 'Expected no --port with ab'],
  [['--a', '1', '--b', '2', '--', 'make', 'bench'], 'Expected behind -- flags of a benchmark'],
  [
    ['--a', '1', '--b', '2', '--', '-t', 'get', 'stray'],
    'Expected flags of a benchmark behind --, got "stray"',
  ],
])('%j is a slip', async (args, message) => {
  using own = new TestFolder();
  const ran = await runCli(['ab', ...args], { cwd: own.path });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain(message);
  expect(existsSync(join(own.path, 'stage_perf'))).toBe(false);
});

test('a dry run shows both command lines', async () => {
  const ran = await runCli(['ab', ...sides(), ...binary(), '--dry-run', '--', '-t', 'get', '-n', '7']);
  expect(ran.code).toBe(0);
  const text = ran.stdout.toString();
  expect(text).toContain('12 pairs of get in turns, a b b a');
  expect(text).toMatch(new RegExp(`a  .*-p ${a.port} .*-n 7`));
  expect(text).toMatch(new RegExp(`b  .*-p ${b.port} .*-n 7`));
});
