import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readStats } from '../../src/restore/stat.ts';
import { runCli, startCli, startLoad, TestFolder, type Ran } from '../e2e/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

const password = 'planted-password-4711';
/** Of somebody else: nothing that we start needs it. */
const token = 'planted-token-0815';

/** The files below a folder that hold a text, or have it in their names. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => ({ path: join(entry.parentPath, entry.name), isFile: entry.isFile() }))
    .filter(
      ({ path, isFile }) => path.includes(text) || (isFile && readFileSync(path, 'latin1').includes(text)),
    )
    .map(({ path }) => path);
}

interface Seen {
  readonly argv: string;
  readonly environment: string;
}

/** Runs the command, and looks at all processes below it while it runs. */
async function watch(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ ran: Ran; seen: Seen[] }> {
  const running = startCli(args, { env });
  running.child.stdin!.end();
  const seen = new Map<string, Seen>();
  while (running.child.exitCode === null && running.child.signalCode === null) {
    const stats = readStats();
    const below = new Set([running.child.pid!]);
    for (const { pid, ppid } of [...stats, ...stats]) if (below.has(ppid)) below.add(pid);
    below.delete(running.child.pid!);
    for (const pid of below) {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        seen.set(`${pid} ${argv}`, { argv, environment: readFileSync(`/proc/${pid}/environ`, 'latin1') });
      } catch {
        continue; // it ended meanwhile
      }
    }
    await sleep(15);
  }
  return { ran: await running.ended, seen: [...seen.values()] };
}

const programOf = ({ argv }: Seen): string => argv.split('\0', 1)[0]!.split('/').at(-1)!;

test(
  'a search with the full profile and changed settings keeps the password to itself',
  { timeout: 90_000 },
  async () => {
    using folder = new TestFolder();
    await using server = await startServer({ args: ['--requirepass', password] });
    const env = { VALKEYCLI_AUTH: password, MY_TOKEN: token };
    const { ran, seen } = await watch(
      [
        ...['grid-search', '-t', 'get', '--driver', 'builtin', '--grid', 'config:hz=20,50'],
        ...['--duration', '1', '--repeats', '1', '--profile', 'full', '--set-config', 'maxmemory=64mb'],
        ...['-p', String(server.port), '--output-dir', join(folder.path, 'out')],
      ],
      env,
    );
    expect([0, 3, 6], ran.stderr).toContain(ran.code);
    for (const secret of [password, token]) {
      expect(ran.stdout.toString() + ran.stderr).not.toContain(secret);
      expect(filesWith(folder.path, secret)).toEqual([]);
    }
    expect(seen.map(programOf)).toEqual(expect.arrayContaining(['perf', 'node']) as string[]);
    expect(seen.filter(({ argv }) => argv.includes(password))).toEqual([]);

    // Only the benchmark has to know it.
    // A fork that has not become its program yet is ourselves. systeminformation reads files by shells of its own.
    const programs = seen.filter(
      (one) => ['perf', 'node', 'nice'].includes(programOf(one)) && !one.argv.includes('grid-search'),
    );
    expect(programs.filter(({ environment }) => environment.includes(token)).map(({ argv }) => argv)).toEqual(
      [],
    );
    // Only the load has to know it.
    const knowing = programs.filter(({ environment }) => environment.includes(password));
    expect(knowing.filter(({ argv }) => !argv.includes('\0load\0')).map(({ argv }) => argv)).toEqual([]);
  },
);

test('a wrong password stands in no message, and in no session', async () => {
  using folder = new TestFolder();
  await using server = await startServer({ args: ['--requirepass', 'another'] });
  const env = { VALKEYCLI_AUTH: password };
  for (const args of [
    ['attach', '--for', '200ms', '--profile', 'server'],
    ['bench', '-t', 'get', '--driver', 'builtin', '-n', '10', '--set-config', 'hz=20'],
  ]) {
    const out = ['-p', String(server.port), '--output-dir', join(folder.path, 'out')];
    const ran = await runCli([...args, ...out], { env });
    expect(ran.code, ran.stderr).not.toBe(0);
    expect(ran.stderr).toMatch(/refused the user or the password/);
    expect(ran.stdout.toString() + ran.stderr).not.toContain(password);
  }
  expect(filesWith(folder.path, password)).toEqual([]);
});

test('secrets in the command lines of the benchmark, of hooks and of the server are redacted', async () => {
  using folder = new TestFolder();
  await using server = await startServer({ args: ['--requirepass', password] });
  await using load = startLoad(server.port);
  void load;
  const ran = await runCli(
    [
      ...['run', '--profile', 'cpu', '--hook', `command,command=/bin/cat -a ${password}`],
      ...['--server-pid', String(server.pid), '--output-dir', join(folder.path, 'out'), '--'],
      ...[
        process.execPath,
        '-e',
        'setTimeout(() => {}, 300)',
        '--',
        `redis://user:${password}@127.0.0.1:6379`,
      ],
      ...['--token', password],
    ],
    { env: { VALKEYCLI_AUTH: password } },
  );
  expect(ran.stderr).not.toContain(password);
  expect(filesWith(folder.path, password)).toEqual([]);
});
