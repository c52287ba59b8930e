import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Program, readAll } from './program.ts';
import { until } from './recorder.ts';

const run = (script: string, options: object = {}, wrap?: string) =>
  new Program('child', ['ignore', 'pipe', 'pipe'], { argv: ['bash', '-c', script], ...options }, wrap);

describe('the outputs of a benchmark', () => {
  test('are passed on as they are, each to its own, and are one source', async () => {
    const program = run(
      `printf 'a\\0\\377\\r\\n[STAGE:START] x\\n'; sleep 0.2; printf 'no line end [STAGE:END] x duration=0.2s' >&2`,
    );
    const outputs = Promise.all([readAll(program.process.stdout), readAll(program.process.stderr)]);
    const told = await program.told();
    expect(told).toMatchObject({ markers: ['start x', 'end x'], end: { state: 'exited', exitCode: 0 } });
    expect((await outputs).map((bytes) => bytes.toString('latin1'))).toEqual([
      'a\0\xff\r\n[STAGE:START] x\n',
      'no line end [STAGE:END] x duration=0.2s',
    ]);
  });

  test('are pipes: a script can open them by name', async () => {
    const program = run('echo "[STAGE:START] a" | tee /dev/stderr; echo b > /dev/stdout');
    const outputs = Promise.all([readAll(program.process.stdout), readAll(program.process.stderr)]);
    expect((await program.told()).markers).toEqual(['start a', 'start a']);
    expect((await outputs).map(String)).toEqual(['[STAGE:START] a\nb\n', '[STAGE:START] a\n']);
  });

  test('of 20 MB arrive whole', async () => {
    const program = run('head -c 20000000 /dev/zero; head -c 10000000 /dev/zero >&2');
    const [out, err] = await Promise.all([readAll(program.process.stdout), readAll(program.process.stderr)]);
    expect([out.length, err.length]).toEqual([20_000_000, 10_000_000]);
  });

  test('do not stall each other', async () => {
    const program = run('yes | head -c 1000000 & sleep 0.2; echo "[STAGE:START] a" >&2; wait');
    program.process.stderr?.resume();
    // Nobody reads standard output yet.
    await until(() => program.markers().length === 1, 'the marker on standard error');
    expect(program.lines.at(-1)?.type).not.toBe('ended');
    expect((await readAll(program.process.stdout)).length).toBe(1_000_000);
    expect((await program.told()).end).toMatchObject({ state: 'exited', exitCode: 0 });
  });

  test('go on being read when their reader has gone: the benchmark is not disturbed', async () => {
    const program = run('yes | head -c 1000000; echo "[STAGE:END] a"; exit 3', {}, '"$@" | head -c 1');
    const told = await program.told();
    expect(told).toMatchObject({
      markers: ['end a'],
      notices: ['reader-gone'],
      end: { state: 'exited', exitCode: 3 },
    });
  });

  test('held open by a grandchild do not keep us', async () => {
    const program = run('echo "[STAGE:START] a"; sleep 4 & exit 0');
    program.process.stdout?.resume();
    program.process.stderr?.resume();
    await until(() => program.lines.at(-1)?.type === 'ended', 'the end');
    expect(program.notices()).toEqual(['output-held-open']);
    expect(program.markers()).toEqual(['start a']);
  });

  test('that a grandchild still writes are read', async () => {
    const program = run('(for i in 1 2 3 4; do sleep 0.5; echo "[STAGE:START] s$i"; done) & exit 0');
    program.process.stdout?.resume();
    const told = await program.told();
    expect(told).toMatchObject({ markers: ['start s1', 'start s2', 'start s3', 'start s4'], notices: [] });
  });
});

describe('its end', () => {
  test.each([
    ['exit 7', { state: 'exited', exitCode: 7 }],
    ['kill -SEGV $$', { state: 'killed', signal: 'SIGSEGV' }],
  ])('%s is told', async (script, end) => {
    expect((await run(script).told()).end).toMatchObject(end);
  });

  test('comes by the signal that we send', async () => {
    const program = run(
      'trap "echo [STAGE:END] a; exit 9" TERM; echo "[STAGE:START] a"; while :; do sleep 0.05; done',
    );
    program.process.stdout?.resume();
    await until(() => program.markers().length === 1, 'the marker');
    await program.signal('SIGTERM');
    expect(await program.told()).toMatchObject({
      markers: ['start a', 'end a'],
      end: { state: 'exited', exitCode: 9 },
    });
  });

  test('stop leaves it running', async () => {
    const program = run('echo "[STAGE:START] a"; exec sleep 3');
    program.process.stdout?.resume();
    await until(() => program.markers().length === 1, 'the marker');
    await program.signal('SIGUSR2');
    expect((await program.told()).end.state).toBe('stopped');
    const child = program.lines.find((line) => line.type === 'pid')?.pid;
    expect(() => process.kill(child as number, 0)).not.toThrow();
    process.kill(child as number);
  });

  test('silence ends it when asked to', async () => {
    const program = run('echo "[STAGE:START] a"; sleep 3', { idleTimeoutMs: 200 });
    expect((await program.told()).end.state).toBe('idle');
  });
});

describe('what it is given', () => {
  test('arguments, folder and environment, and no shell', async () => {
    const argv = ['node', '-e', 'console.log(process.argv[1], process.cwd(), process.env.X)', '$(id);*'];
    const env = { PATH: process.env['PATH'], X: '[STAGE:START] x' };
    const program = new Program('child', ['ignore', 'pipe', 'inherit'], { argv, cwd: '/', env });
    expect((await readAll(program.process.stdout)).toString()).toBe('$(id);* / [STAGE:START] x\n');
    expect((await program.told()).markers).toEqual(['start x']);
  });

  test('our standard input, and our process group', async () => {
    const script = 'cat; ps -o pgid= -p $$; ps -o pgid= -p $PPID';
    const program = new Program('child', ['pipe', 'pipe', 'inherit'], { argv: ['bash', '-c', script] });
    program.process.stdin?.end('hello\n');
    const [hello, own, ours] = (await readAll(program.process.stdout)).toString().trim().split(/\s+/);
    expect(hello).toBe('hello');
    expect(own).toBe(ours);
  });
});

describe('what cannot be started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-test-'));
  const plain = join(folder, 'plain');
  writeFileSync(plain, '', { mode: 0o600 });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    [{ argv: ['no-such-benchmark'] }, { name: 'MissingError', code: 'no-such-command' }],
    [{ argv: [join(folder, 'none')] }, { name: 'MissingError', code: 'no-such-command' }],
    [{ argv: [plain] }, { name: 'UsageError', code: 'not-executable' }],
    [
      { argv: ['true'], cwd: join(folder, 'none') },
      { name: 'UsageError', code: 'no-such-folder' },
    ],
    [{ argv: [] }, { name: 'UsageError', code: 'no-command' }],
  ])('%j: says why', async (options, error) => {
    const told = await new Program('child', ['ignore', 'ignore', 'inherit'], options).told();
    expect(told.end).toMatchObject({ state: 'failed', error });
  });
});

test('of a flood on both outputs no marker is lost', async () => {
  const script = `yes '[STAGE:START] abc' | head -n 200000 & yes '[STAGE:END] abc' | head -n 200000 >&2; wait`;
  const program = run(script, { countOnly: true });
  program.process.stdout?.resume();
  program.process.stderr?.resume();
  expect((await program.told()).end.count).toBe(400_000);
});
