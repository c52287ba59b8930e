import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { eventually, runs } from '../restore/processes.ts';
import { serverForAll } from '../servers/for-all.ts';
import { needs } from '../servers/need.ts';
import { HookRig } from './rig.ts';

needs('valkey-server');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-command-'));
const server = serverForAll();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let scripts = 0;
/** A program; `body` is that of a shell script. */
function program(body: string, mode = 0o755): string {
  const path = join(folder, `program-${++scripts}.sh`);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode });
  return path;
}

const arm = (command: unknown, more: object = {}): Promise<HookRig> =>
  HookRig.arm('command', { command, graceSeconds: 0.3, ...more }, server.pid);
const codesOf = (rig: HookRig): string[] => rig.warnings.map(({ code }) => code);

interface CommandJson {
  readonly end: { readonly exitCode?: number; readonly signal?: string; readonly beforeStageEnd: boolean };
  readonly durationMs: number;
  readonly stdoutBytes: number;
}
/** PIDs in the file that a program writes into the span's folder. */
async function pidsIn(rig: HookRig, name: string): Promise<number[]> {
  const spans = join(rig.session.folder, 'spans');
  const find = (): string | undefined =>
    readdirSync(spans, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(`/${name}`));
  await eventually(() => find() !== undefined && readFileSync(join(spans, find()!), 'utf8').endsWith('\n'));
  return (readFileSync(join(spans, find()!), 'utf8').match(/\d+/g) ?? []).map(Number);
}

describe('a program', () => {
  test('gets the PID, the stage in its environment, and works in the span folder until the stage ends', async () => {
    const path = program(
      `env | grep '^STAGEWATCH_' | sort; echo "pid $1, $# argument"; pwd >cwd; echo oops >&2; trap 'echo ended; exit 7' INT; while :; do sleep 0.05; done`,
    );
    await using rig = await arm(path);
    const report = await rig.stage('vec-query:ef "100"', () => sleep(300));
    const dir = join(rig.path(report, 'command.json'), '..');
    expect(rig.text(report, 'command.stdout').split('\n')).toEqual([
      `STAGEWATCH_DIR=${dir}`,
      `STAGEWATCH_PID=${server.pid}`,
      'STAGEWATCH_SPAN=1',
      'STAGEWATCH_STAGE=vec-query',
      'STAGEWATCH_TAG=ef "100"',
      `pid ${server.pid}, 1 argument`,
      'ended',
      '',
    ]);
    expect(rig.text(report, 'command.stderr')).toBe('oops\n');
    expect(readFileSync(join(dir, 'cwd'), 'utf8').trim()).toBe(dir);
    // What it ends with when it is told to end is its own affair.
    const json = rig.json<CommandJson>(report, 'command.json');
    expect(json.end).toEqual({ exitCode: 7, beforeStageEnd: false });
    expect(json.durationMs).toBeGreaterThan(280);
    expect(codesOf(rig)).toEqual([]);
  });

  test('may be a list of words, and one that is found on PATH', async () => {
    await using rig = await arm(['printf', '%s|', 'a b', '$HOME']);
    const report = await rig.stage('get', () => sleep(100));
    expect(rig.text(report, 'command.stdout')).toBe(`a b|$HOME|${server.pid}|`);
    expect(rig.json<CommandJson>(report, 'command.json').end).toEqual({ exitCode: 0, beforeStageEnd: true });
  });

  test('runs without a server too, and then has no argument', async () => {
    await using rig = await HookRig.arm('command', { command: program('echo "$# ${STAGEWATCH_PID-none}"') });
    const report = await rig.stage('get', () => sleep(100));
    expect(rig.text(report, 'command.stdout')).toBe('0 none\n');
  });

  test('begins and ends once for each of two stages at once', async () => {
    await using rig = await arm(program('echo $STAGEWATCH_STAGE; exec sleep 300'));
    const [a, b] = [await rig.start('a'), await rig.start('b')];
    await sleep(100);
    const [first, second] = await rig.collect(await rig.stop(a), await rig.stop(b));
    expect([first, second].map((report) => rig.text(report!, 'command.stdout'))).toEqual(['a\n', 'b\n']);
    expect(rig.json<CommandJson>(first!, 'command.json').end).toEqual({
      signal: 'SIGINT',
      beforeStageEnd: false,
    });
  });

  test('its beginning and its end do not hold up the markers', async () => {
    await using rig = await arm(program(`trap '' INT; sleep 300 & echo $$ >pids; wait; sleep 300`), {
      graceSeconds: 1,
    });
    const span = await rig.start('get');
    await pidsIn(rig, 'pids');
    const began = performance.now();
    const ended = await rig.stop(span);
    expect(performance.now() - began).toBeLessThan(200);
    await rig.collect(ended);
  });
});

describe('what goes wrong is told, and nothing is left', () => {
  test.each([
    ['is not there', () => join(folder, 'nothing'), /expected .*nothing to be a program, it is not there/],
    ['is not executable', () => program('echo no', 0o644), /expected .* to be executable, it is not/],
    ['is a folder', () => folder, /to be executable, it is not/],
    ['is not on PATH', () => ['stagewatch-no-such-program'], /it is not there/],
  ])('a program that %s', async (_, make, reason) => {
    await using rig = await arm(make());
    expect(rig.reason).toMatch(reason);
  });

  test('a program whose interpreter is missing', async () => {
    const path = join(folder, 'no-interpreter');
    writeFileSync(path, '#!/nowhere/sh\n', { mode: 0o755 });
    await using rig = await arm(path);
    const report = await rig.stage('get', () => sleep(200));
    expect(rig.warnings).toMatchObject([{ code: 'command-failed', fails: true }]);
    expect(rig.text(report, 'command.stderr')).toContain('no-interpreter: not found');
  });

  test('one that exits at once, non-zero', async () => {
    await using rig = await arm(program('echo broken >&2; exit 3'));
    const report = await rig.stage('get', () => sleep(200));
    expect(rig.warnings).toMatchObject([
      {
        code: 'command-failed',
        fails: true,
        span: 1,
        message: expect.stringContaining('exited with code 3'),
      },
    ]);
    expect(rig.text(report, 'command.stderr')).toBe('broken\n');
  });

  test('one that ignores signals, with a child that does too', async () => {
    await using rig = await arm(
      program(`trap '' INT TERM; (while :; do sleep 1; done) & echo $$ $! >pids; while :; do sleep 1; done`),
    );
    const span = await rig.start('get');
    const pids = await pidsIn(rig, 'pids');
    await rig.collect(await rig.stop(span));
    expect(pids).toHaveLength(2);
    expect(pids.filter((pid) => runs(pid))).toEqual([]);
    expect(rig.warnings).toMatchObject([{ code: 'command-ignored-signals', fails: true }]);
  });

  test('one that leaves a child in its group and exits is no failure; the child ends with the stage', async () => {
    await using rig = await arm(program('sleep 300 & echo $! >pids'));
    const span = await rig.start('get');
    const [pid] = await pidsIn(rig, 'pids');
    expect(runs(pid!)).toBe(true);
    await rig.collect(await rig.stop(span));
    expect(runs(pid!)).toBe(false);
    expect(codesOf(rig)).toEqual([]);
  });

  test('one that forks a daemon, which holds its pipes and ignores SIGTERM', async () => {
    const daemon = program(`trap '' TERM INT; echo $$ >pids; while :; do sleep 1; done`);
    await using rig = await arm(program(`setsid ${daemon} & exit 0`));
    const span = await rig.start('get');
    const [pid] = await pidsIn(rig, 'pids');
    await rig.collect(await rig.stop(span));
    expect(runs(pid!)).toBe(false);
    expect(rig.warnings).toMatchObject([
      { code: 'command-left-daemon', fails: true, message: expect.stringContaining(`${pid}`) },
    ]);
  });

  test('one that prints a gigabyte: the beginning is kept, it is not held up, and we do not grow', async () => {
    await using rig = await arm(program('head -c 1000000000 /dev/zero; echo done >finished; sleep 300'), {
      keepMiB: 2,
    });
    const before = process.memoryUsage().rss;
    const span = await rig.start('get');
    const finished = (): boolean =>
      readdirSync(join(rig.session.folder, 'spans'), { recursive: true, encoding: 'utf8' }).some((path) =>
        path.endsWith('/finished'),
      );
    expect(await eventually(finished, 100_000)).toBe(true);
    const [report] = await rig.collect(await rig.stop(span));
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
    expect(statSync(rig.path(report!, 'command.stdout')).size).toBe(2 * 1024 * 1024);
    expect(rig.warnings).toMatchObject([{ code: 'output-dropped', fails: true }]);
    expect(report!.facts).toMatchObject({ droppedBytes: 1e9 - 2 * 1024 * 1024 });
  }, 120_000);

  test('a stage that the session cuts short', async () => {
    const rig = await arm(program('echo $$ >pids; exec sleep 300'));
    await rig.start('get');
    const [pid] = await pidsIn(rig, 'pids');
    await rig[Symbol.asyncDispose]();
    expect(runs(pid!)).toBe(false);
    expect(existsSync(rig.session.folder)).toBe(false);
  });
});
