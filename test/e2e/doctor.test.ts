import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { codeOfSignal } from '../../src/cli/exit-code.ts';
import type { Diagnosis } from '../../src/doctor/diagnose.ts';
import type { Examined } from '../../src/doctor/examine.ts';
import { readArgv } from '../../src/target/process.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer } from '../servers/start.ts';
import { cannotBeNobody, Nobody } from './nobody.ts';
import { readProcesses } from './processes.ts';
import { cli, type Ran, runCli, SessionFolder, startCli, startLoad, TestFolder } from './support.ts';

needs('valkey-server', 'valkey-benchmark', 'perf');

const isRoot = process.geteuid?.() === 0;
const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
const settings = ['perf_event_paranoid', 'kptr_restrict', 'perf_event_mlock_kb', 'randomize_va_space'];

function diagnosisOf(
  ran: Ran,
): Diagnosis & { check(id: string): Examined & { means?: string; mend?: string } } {
  const diagnosis = JSON.parse(ran.stdout.toString()) as Diagnosis;
  return {
    ...diagnosis,
    check: (id) => {
      const found = diagnosis.checks.find((check) => check.id === id);
      if (!found)
        throw new Error(`no check ${id} among ${diagnosis.checks.map((check) => check.id).join(', ')}`);
      return found;
    },
  };
}

const atPort = (port: number): string[] => ['doctor', '--server-port', String(port), '--json'];

/** What must be as before: settings of the kernel, files, and processes that look at the server. */
const surroundings = (folder: string, serverPid: number): unknown => ({
  settings: settings.map((name) => readFileSync(`/proc/sys/kernel/${name}`, 'utf8')),
  left: readdirSync(tmpdir()).filter((name) => name.startsWith('stagewatch-doctor-')),
  files: readdirSync(folder),
  perf: readProcesses()
    .filter(({ comm, pid }) => comm === 'perf' && readArgv(pid).includes(String(serverPid)))
    .map(({ pid }) => pid),
});

if (!isRoot) process.stderr.write('tests as root skipped: this is another user\n');

describe.skipIf(!isRoot)('as root', () => {
  test('every hook can run on a server under load, its stacks are measured, and nothing is left', async () => {
    await using server = await startServer();
    await using load = startLoad(server.port);
    void load;
    using folder = new TestFolder();
    const before = surroundings(folder.path, server.pid);
    const ran = await runCli(atPort(server.port), { cwd: folder.path });
    expect(ran.code, ran.stderr).toBe(0);
    expect(surroundings(folder.path, server.pid)).toEqual(before);

    const diagnosis = diagnosisOf(ran);
    expect(diagnosis).toMatchObject({
      version: 1,
      reasons: [],
      server: { pid: server.pid, port: server.port },
    });
    for (const hook of ['perf-record', 'flamegraph', 'off-cpu', 'perf-stat', 'threads', 'server-metrics'])
      expect(diagnosis.check(`hook-${hook}`)).toMatchObject({ state: 'ok', found: 'can run' });
    expect(diagnosis.check('hook-command').state).toBe('unknown');
    expect(diagnosis.check('server-version').found).toMatch(/^valkey \d+\.\d+\.\d+$/);
    expect(diagnosis.check('server-frames').found).toMatch(
      /^\d+(\.\d)? % of \d+ user frames have no symbol$/,
    );
    expect(diagnosis.check('server-stacks')).toMatchObject({
      state: 'ok',
      found: expect.stringMatching(/^\d+(\.\d)? % of \d+ user stacks have one frame \(c[a-z-]+\)$/) as string,
    });
    expect(diagnosis.check('perf').found).toContain(
      execFileSync('perf', ['--version'], { encoding: 'utf8' }).split(' ')[2]!.trim(),
    );
  });

  test('an idle server has no stacks to judge, and that is said', async () => {
    await using server = await startServer();
    const { check } = diagnosisOf(await runCli(atPort(server.port)));
    expect(check('server-stacks')).toMatchObject({
      state: 'unknown',
      means: expect.stringMatching(/put load on it/) as string,
    });
    expect(check('server-frames').state).toBe('unknown');
  });

  test('the report is text for a pipe, in colour on a terminal, without it where NO_COLOR is set', async () => {
    await using server = await startServer();
    const args = ['doctor', '--server-port', String(server.port)];
    const piped = (await runCli(args)).stdout.toString();
    expect(piped).toMatch(/^localhost, Linux \S+, as user root\n\nHooks\n/);
    expect(piped).toMatch(/\n {2}ok {7}perf-record {10}can run\n/);
    expect(piped).toMatch(/\nNothing keeps hooks from running here \(warnings: \d+, unknown: \d+\)\.\n$/);
    expect(piped).not.toContain('\u001b');
    const onTerminal = (env: NodeJS.ProcessEnv): string =>
      spawnSync('script', ['-qec', [process.execPath, cli, ...args].join(' '), '/dev/null'], {
        encoding: 'utf8',
        env: { ...process.env, TERM: 'xterm', NO_COLOR: undefined, ...env },
        cwd: tmpdir(),
      }).stdout;
    expect(onTerminal({})).toContain('\u001b[32mok');
    expect(onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b');
  });

  test('without a server it says so, and what can be told without one', async (context) => {
    const isolated = ['--pid', '--fork', '--mount-proc'];
    context.skip(spawnSync('unshare', [...isolated, 'true']).status !== 0, 'no PID namespace can be made');
    const ran = spawnSync('unshare', [...isolated, process.execPath, cli, 'doctor', '--json'], {
      cwd: tmpdir(),
    });
    expect(ran.status, String(ran.stderr)).toBe(0);
    const diagnosis = diagnosisOf({
      code: ran.status,
      signal: null,
      stdout: ran.stdout,
      stderr: String(ran.stderr),
    });
    expect(diagnosis.server).toBeUndefined();
    expect(diagnosis.check('server')).toMatchObject({
      state: 'unknown',
      found: 'none: expected a process named valkey-server or redis-server or stagewatch-engine',
      mend: 'start it, or say which: --server-port, --server-pid, --server-name',
    });
    expect(diagnosis.check('hook-perf-record').found).toBe('can run on a server of user root');
    expect(diagnosis.check('hook-system-metrics').found).toBe('can run');
    expect(diagnosis.check('hook-server-metrics')).toMatchObject({
      state: 'unknown',
      found: 'needs a server to tell',
    });
    expect(diagnosis.checks.filter(({ group }) => group === 'server')).toHaveLength(1);
  });

  test('of several servers it lets the user choose', async () => {
    await using one = await startServer();
    await using other = await startServer();
    const { check } = diagnosisOf(await runCli(['doctor', '--json']));
    expect(check('server').state).toBe('unknown');
    expect(check('server').found).toContain(`PID ${one.pid} (port ${one.port})`);
    expect(check('server').found).toContain(`PID ${other.pid} (port ${other.port})`);
    expect(check('server').mend).toMatch(/^stagewatch doctor --server-port \d+$/);
  });

  test('a server that does not answer is no reason to hang', async () => {
    await using server = await startServer();
    process.kill(server.pid, 'SIGSTOP');
    const ran = await runCli(atPort(server.port));
    expect(ran.code).toBe(5);
    const { check } = diagnosisOf(ran);
    expect(check('hook-server-metrics')).toMatchObject({
      state: 'failed',
      means: expect.stringMatching(/no answer/) as string,
    });
    expect(check('server-version').state).toBe('unknown');
    expect(check('hook-perf-record').state).toBe('ok');
  });
});

test('a server that was named and is not there is a failure: code 5, and the reason on standard error', async () => {
  const port = await freePort();
  const ran = await runCli(atPort(port));
  expect(ran.code).toBe(5);
  expect(ran.stderr).toContain(
    `stagewatch: server: none: expected a process that listens on TCP port ${port}: there is nothing to profile; try: start it, or name another one\n`,
  );
});

test('without perf on PATH: what needs it, and the command that installs it', async () => {
  await using server = await startServer();
  using folder = new TestFolder();
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  for (const program of ['sh', 'nice', 'readlink', 'grep'].map((name) => locate(name)!))
    symlinkSync(program, join(bin, basename(program)));
  const ran = await runCli(atPort(server.port), { env: { PATH: bin } });
  expect(ran.code).toBe(5);
  const { check } = diagnosisOf(ran);
  expect(check('perf')).toMatchObject({
    state: 'failed',
    found: 'missing',
    mend: expect.stringMatching(
      /^(apt-get|dnf|zypper) install |^pacman -S |^apk add |^the system's package/,
    ) as string,
  });
  expect(check('hook-perf-record')).toMatchObject({ state: 'failed', mend: check('perf').mend });
  expect(check('hook-flamegraph').found).toBe('cannot run: it needs perf-record');
  expect(check('hook-threads').state).toBe('ok');
  expect(check('server-stacks')).toMatchObject({ state: 'unknown', found: 'not measured' });
  expect(ran.stderr).toMatch(/^stagewatch: perf-record: cannot run: perf was not found on localhost; try: /m);
});

test('a result goes into a file, and nothing to standard output; wrong use is code 2', async () => {
  using folder = new TestFolder();
  const file = join(folder.path, 'doctor.json');
  const ran = await runCli(['doctor', '--server-port', String(await freePort()), '--json', file]);
  expect(ran.stdout.toString()).toBe('');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1 });
  for (const wrong of [
    ['--server-pid', '1', '--server-port', '1'],
    ['--json', join(folder.path, 'no', 'file')],
  ])
    expect((await runCli(['doctor', ...wrong])).code).toBe(2);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends it at once, and what it started with it',
  async (signal) => {
    await using server = await startServer();
    using folder = new TestFolder();
    const before = surroundings(folder.path, server.pid);
    for (const afterMs of [300, 700, 1_100]) {
      const running = startCli(atPort(server.port), { cwd: folder.path });
      await sleep(afterMs);
      running.child.kill(signal);
      const { code, stdout, signal: killedBy } = await running.ended;
      // Before its listeners stand, a signal ends any program; and it may have been done by then.
      const isOurs = stdout.length === 0 && killedBy === null;
      expect(isOurs ? code : codeOfSignal(signal)).toBe(codeOfSignal(signal));
      expect(surroundings(folder.path, server.pid)).toEqual(before);
    }
  },
);

const obstacle = cannotBeNobody();
if (obstacle !== undefined) process.stderr.write(`tests as an unprivileged user skipped: ${obstacle}\n`);

describe.skipIf(obstacle !== undefined)('as an unprivileged user', () => {
  const bench =
    'echo before; echo "[STAGE:START] get"; sleep 0.8; echo "[STAGE:END] get duration=0.8s"; printf last';
  const benchOutput = 'before\n[STAGE:START] get\n[STAGE:END] get duration=0.8s\nlast';
  const runArgs = (port: number): string[] => [
    ...['run', '--collect-perf', '--server-port', String(port), '--', 'sh', '-c', bench],
  ];

  test('what it may do with its own server can run, and the rest names the setting', async (context) => {
    context.skip(paranoid !== 2, `perf_event_paranoid is ${paranoid}`);
    using nobody = new Nobody();
    await using server = await nobody.startServer();
    await using load = startLoad(server.port);
    void load;
    const ran = await nobody.runCli(atPort(server.port));
    expect(ran.code, ran.stderr).toBe(5);
    const { check, user } = diagnosisOf(ran);
    expect(user.uid).toBe(65_534);
    for (const hook of [
      'perf-record',
      'flamegraph',
      'perf-stat',
      'threads',
      'server-metrics',
      'system-metrics',
    ])
      expect(check(`hook-${hook}`).state, hook).toBe('ok');
    expect(check('hook-off-cpu')).toMatchObject({
      state: 'failed',
      mend: expect.stringContaining('sysctl kernel.perf_event_paranoid=1') as string,
    });
    expect(check('perf-event-paranoid')).toMatchObject({
      state: 'warning',
      found: '2',
      mend: 'sysctl kernel.perf_event_paranoid=1',
    });
    expect(check('capabilities')).toMatchObject({
      state: 'warning',
      mend: expect.stringMatching(/^setcap cap_perfmon,\S+=ep \/\S*perf\S*$/) as string,
    });
    expect(check('server-stacks').found).toMatch(/user stacks have one frame \(c[a-z-]+:u\)$/);
    expect(ran.stderr).toMatch(/^stagewatch: off-cpu: cannot run: /);
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test("root's server is refused with the reason and the command, and all else goes on", async (context) => {
    context.skip(paranoid < 0, `perf_event_paranoid is ${paranoid}`);
    using nobody = new Nobody();
    await using server = await startServer();
    const ran = await nobody.runCli(atPort(server.port));
    expect(ran.code).toBe(5);
    const { check } = diagnosisOf(ran);
    expect(check('server').found).toMatch(/of user root$/);
    expect(check('server-access')).toMatchObject({
      state: 'failed',
      means: `process ${server.pid} belongs to user 0, and this is user 65534`,
      mend: expect.stringMatching(
        /^run stagewatch as root or as that user, or: setcap cap_perfmon/,
      ) as string,
    });
    for (const hook of ['perf-record', 'off-cpu', 'perf-stat'])
      expect(check(`hook-${hook}`)).toMatchObject({ state: 'failed', mend: check('server-access').mend });
    expect(check('hook-server-metrics').state).toBe('ok');
    expect(check('server-stacks').state).toBe('unknown');
    const elsewhere = ['doctor', '--server-port', String(server.port), '--output-dir', '/usr/stages'];
    const text = (await nobody.runCli(elsewhere)).stdout.toString();
    expect(text).toMatch(
      /FAILED +disk room +\/usr cannot be written\n.*\n +-> choose another folder: --output-dir DIR/,
    );
    expect(text.match(/belongs to user 0/g), text).toHaveLength(1);
  });

  test('its own server is profiled in user space, which is told', async (context) => {
    context.skip(paranoid !== 2, `perf_event_paranoid is ${paranoid}`);
    using nobody = new Nobody();
    await using server = await nobody.startServer();
    await using load = startLoad(server.port);
    void load;
    const ran = await nobody.runCli(runArgs(server.port));
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout.toString()).toBe(benchOutput);
    expect(ran.stderr).toMatch(
      /user-space-only: (cpu-clock|cycles):u is recorded.*sysctl kernel\.perf_event_paranoid=1/,
    );
    const session = new SessionFolder(join(nobody.home, 'stage_perf'));
    const hook = session.span('get').targets[0]!.hooks['perf-record']!;
    expect(hook['event']).toMatch(/^(cpu-clock|cycles):u$/);
    expect(hook['samples']).toBeGreaterThan(20);
    expect(session.stacks(session.span('get'))).toContain('valkey-server');
    expect(session.survivors()).toEqual([]);
  });

  test("root's server cannot be profiled: one clear line, code 3, and the output is passed on", async () => {
    using nobody = new Nobody();
    await using server = await startServer();
    const ran = await nobody.runCli(runArgs(server.port));
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.stdout.toString()).toBe(benchOutput);
    const refusals = ran.stderr.split('\n').filter((line) => line.includes('setcap'));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/perf-record on \S+ cannot run: process \d+ belongs to user 0.*cap_perfmon/);
    expect(new SessionFolder(join(nobody.home, 'stage_perf')).survivors()).toEqual([]);
  });

  test('the setcap that it names is an alternative to root', async (context) => {
    context.skip(!existsSync('/proc/sys/kernel/perf_event_paranoid') || !locate('setcap'), 'no setcap here');
    using nobody = new Nobody();
    await using server = await startServer();
    await using load = startLoad(server.port);
    void load;
    const bin = join(nobody.home, 'bin');
    mkdirSync(bin);
    const { check } = diagnosisOf(await nobody.runCli(atPort(server.port)));
    const [program = '', capabilities = '', perf = ''] = check('capabilities').mend!.split(' ');
    const own = join(bin, 'perf');
    copyFileSync(perf, own);
    chmodSync(own, 0o755);
    context.skip(spawnSync(program, [capabilities, own]).status !== 0, 'no file capabilities here');

    const env = { PATH: `${bin}:${process.env['PATH']}` };
    const after = diagnosisOf(await nobody.runCli(atPort(server.port), env));
    for (const hook of ['perf-record', 'off-cpu', 'perf-stat'])
      expect(after.check(`hook-${hook}`), hook).toMatchObject({ state: 'ok' });
    expect(after.check('server-stacks').found).toMatch(/\(c[a-z-]+\)$/);
    const ran = await nobody.runCli(runArgs(server.port), env);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).not.toContain('user-space-only');
  });
});
