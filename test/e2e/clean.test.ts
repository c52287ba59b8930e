import { mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ControlClient } from '../../src/valkey/client.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { runCli, SessionFolder, startCli, TestFolder } from './support.ts';

needs('valkey-server', 'perf');

async function hz(server: RunningServer): Promise<string> {
  await using client = new ControlClient({ host: '127.0.0.1', port: server.port });
  const [answer] = await client.ask([['CONFIG', 'GET', 'hz']]);
  return String((answer as { readonly reply: readonly string[] }).reply[1]);
}

const benchArgs = (server: RunningServer, folder: TestFolder, ...more: string[]): string[] => [
  ...['bench', '-t', 'get', '--driver', 'builtin', '-p', String(server.port), '-c', '3'],
  ...['--num-threads', '1', '--output-dir', join(folder.path, 'sessions'), ...more],
];

/** A benchmark with a changed setting and perf, killed in its stage with its guard: nobody is left to clean up. */
async function killInStage(server: RunningServer, folder: TestFolder): Promise<SessionFolder> {
  const run = startCli(
    benchArgs(server, folder, '--duration', '60', '--set-config', 'hz=50', '--collect-perf'),
  );
  await run.said('[STAGE:START] get');
  await sleep(300);
  const session = new SessionFolder(join(folder.path, 'sessions'));
  for (const pid of guardsOf(run.child.pid!)) process.kill(pid, 'SIGKILL');
  run.child.kill('SIGKILL');
  await run.ended;
  return session;
}

/** Shells with the guard's script that this process started. */
function guardsOf(pid: number): number[] {
  return readProcessArguments()
    .filter(({ ppid, text }) => ppid === pid && text.includes('guard.sh'))
    .map((p) => p.pid);
}

function readProcessArguments(): { pid: number; ppid: number; text: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [{ pid: Number(name), ppid, text: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

test('clean ends, puts back and completes what SIGKILL left, even where the guard died too', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  const session = await killInStage(server, folder);
  expect(await hz(server)).toBe('50');

  const planned = await runCli(['clean', '--dry-run', session.path]);
  expect(planned.stdout.toString()).toMatch(
    /would put config:hz of 127\.0\.0\.1:\d+ back to 10 \(it was 50\)/,
  );
  expect(await hz(server)).toBe('50');

  const cleaned = await runCli(['clean', '--output-dir', join(folder.path, 'sessions')]);
  expect([cleaned.code, cleaned.stdout.toString()]).toEqual([
    0,
    expect.stringContaining('collected 1 spans') as string,
  ]);
  expect(await hz(server)).toBe('10');
  expect(session.survivors()).toEqual([]);
  expect(session.eventsOf('session').at(-1)).toMatchObject({ state: 'ended', recovered: true });
  expect(session.span('get:clients_3').state).toBe('unfinished');
  expect(session.stacks(session.span('get:clients_3'))).toContain('aeMain');

  const again = await runCli(['clean', session.path]);
  expect([again.code, again.stdout.toString()]).toEqual([0, 'nothing was left: 1 session was looked at\n']);
});

test('the next start puts back first what a killed one changed, and says so in one line', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  const killed = await killInStage(server, folder);
  const next = await runCli(benchArgs(server, folder, '--duration', '3', '--set-config', 'hz=20'));
  expect(next.code, next.stderr).toBe(0);
  expect(next.stderr).toMatch(/left by a killed session: .*1 setting put back/);
  expect(next.stderr.indexOf('left by a killed')).toBeLessThan(next.stderr.indexOf('[STAGE:START]'));
  expect(await hz(server)).toBe('10');
  expect(killed.survivors()).toEqual([]);
});

test('a monitor that starts completes a killed one beside its own work', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  const args = [
    'monitor',
    '--profile',
    'metrics',
    '--output-dir',
    folder.path,
    '--server-pid',
    String(server.pid),
  ];
  const first = startCli(args);
  await first.said('system-metrics armed');
  first.child.stdin!.write('[STAGE:START] get\n');
  await sleep(300);
  first.child.kill('SIGKILL');
  await first.ended;
  const killed = new SessionFolder(folder.path);
  const second = startCli(args);
  await second.said(/left by a killed session: 1 session completed/);
  second.child.stdin!.end();
  expect((await second.ended).code).toBe(0);
  expect(killed.span('get').state).toBe('unfinished');
  expect(killed.info['state']).toBe('recovered');
});

test('a running session is left alone, and a named one is a slip', async () => {
  using folder = new TestFolder();
  const running = startCli(['monitor', '--profile', 'metrics', '--output-dir', folder.path]);
  await running.said('session ');
  const all = await runCli(['clean', '--output-dir', folder.path]);
  expect([all.code, all.stdout.toString()]).toEqual([
    0,
    expect.stringContaining('1 session still runs, and was left alone') as string,
  ]);
  const named = await runCli(['clean', new SessionFolder(folder.path).path]);
  expect([named.code, named.stderr]).toEqual([
    2,
    expect.stringContaining('is still being written') as string,
  ]);
  running.child.stdin!.end();
  expect((await running.ended).code).toBe(0);
});

test('named pipes that a killed run left are removed, those of now are not', async () => {
  using folder = new TestFolder();
  const env = { TMPDIR: folder.path };
  for (const name of ['stagewatch-pipe-abcdef', 'stagewatch-pipe-fedcba', 'theirs-pipe-abcdef'])
    mkdirSync(join(folder.path, name));
  utimesSync(join(folder.path, 'stagewatch-pipe-abcdef'), 1, 1);
  const cleaned = await runCli(['clean', '--output-dir', join(folder.path, 'none')], { env });
  expect(cleaned.stdout.toString()).toContain('removed 1 folder');
  expect(readdirSync(folder.path).toSorted()).toEqual(['stagewatch-pipe-fedcba', 'theirs-pipe-abcdef']);
});

test('a setting whose server is gone is told, and is code 3', async () => {
  using folder = new TestFolder();
  let session: SessionFolder;
  {
    await using server = await startServer();
    session = await killInStage(server, folder);
    await ask(server.port, 'CONFIG', 'SET', 'hz', '50');
  }
  const cleaned = await runCli(['clean', session.path]);
  expect([cleaned.code, cleaned.stdout.toString()]).toEqual([
    3,
    expect.stringMatching(/config:hz of .* could not be put back to 10: .*nobody listens there/) as string,
  ]);
});
