import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixture, type Ran, runCli, SessionFolder, startLoad, TestFolder } from '../e2e/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';

needs('valkey-server', 'valkey-benchmark');

/** `stagewatch run` of stages, with these flags. */
function profile(
  folder: TestFolder,
  pid: number,
  flags: readonly string[],
  steps: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const where = ['--server-pid', String(pid), '--output-dir', join(folder.path, 'out')];
  const benchmark = [process.execPath, fixture('stages.mjs'), ...steps];
  return runCli(['run', ...where, ...flags, '--', ...benchmark], { env });
}

/** Every byte that a session left. */
function wholeText(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

test('the profile server covers stages of a loaded server, and keeps the password to itself', async () => {
  using folder = new TestFolder();
  await using server = await startServer({ args: ['--requirepass', 'hunter2'] });
  const env = { VALKEYCLI_AUTH: 'hunter2' };
  const ran = await profile(
    folder,
    server.pid,
    ['--profile', 'server'],
    ['get:1=1000', 'gap=50', 'get:2=1000'],
    env,
  );
  expect(ran.stderr).not.toContain('hunter2');
  expect(ran.code).toBe(0);
  const session = new SessionFolder(join(folder.path, 'out'));
  expect(wholeText(session.path)).not.toContain('hunter2');
  expect(session.spans).toHaveLength(2);
  for (const span of session.spans) {
    const { coverage, artifacts } = span.targets[0]!.hooks['server-metrics']!;
    expect(coverage.ratio).toBeGreaterThan(0.8);
    expect(artifacts.map(({ path }) => path.split('/').at(-1))).toEqual(['server.json']);
  }
});

test('stages of a loaded server are told by both hooks, and a failing script is exit 3', async () => {
  using folder = new TestFolder();
  await using server = await startServer();
  await using load = startLoad(server.port);
  const flags = ['--profile', 'server', '--hook', 'command,command=/bin/cat'];
  const ran = await profile(folder, server.pid, flags, ['a=1000', 'b=1000']);
  await load[Symbol.asyncDispose]();
  const session = new SessionFolder(join(folder.path, 'out'));
  for (const { targets } of session.spans) {
    const { hooks } = targets[0]!;
    expect(hooks['server-metrics']!.coverage.ratio).toBeGreaterThan(0.5);
    expect(hooks['command']!.coverage.ratio).toBeGreaterThan(0.5);
    expect(hooks['server-metrics']!['cpuUsPerCommand']).toBeGreaterThan(1);
  }
  // There is no file that is called like a PID, so cat fails.
  expect(ran.stderr).toContain('exited with code 1');
  expect(ran.code).toBe(3);
  expect(session.survivors()).toEqual([]);
});

test.each([
  ['a wrong password', ['--hook', 'server-metrics'], /refused the user or the password/],
  ['a script that is not executable', ['--hook', 'command,command=SCRIPT'], /to be executable, it is not/],
  ['a script that is missing', ['--hook', 'command,command=/nowhere/x'], /it is not there/],
])('%s: one clear line, exit 3', async (_, flags, line) => {
  using folder = new TestFolder();
  const script = join(folder.path, 'script');
  writeFileSync(script, '#!/bin/sh\n', { mode: 0o644 });
  await using server = await startServer({ args: ['--requirepass', 'other'] });
  const given = flags.map((flag) => flag.replace('SCRIPT', script));
  const ran = await profile(folder, server.pid, given, ['get=100'], { REDISCLI_AUTH: 'hunter2' });
  expect(ran.stderr).toMatch(line);
  expect(ran.stderr).not.toContain('hunter2');
  expect(ran.code).toBe(3);
  expect(ran.stdout.toString()).toContain('[STAGE:END] get');
});
