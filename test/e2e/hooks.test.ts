import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { fixture, SessionFolder, startCli, TestFolder, type Ran } from './support.ts';

needs('valkey-server');

async function withHook(folder: string, flags: readonly string[], armed: RegExp): Promise<Ran> {
  const running = startCli(['monitor', '--output-dir', join(folder, 'out'), ...flags]);
  await running.said(armed);
  await sleep(50);
  running.child.stdin!.write('[STAGE:START] get\n');
  await sleep(150);
  running.child.stdin!.end('[STAGE:END] get\nlast line\n');
  return await running.ended;
}

test("a user's own hook runs from outside the repository, in TypeScript", async () => {
  await using server = await startServer();
  using folder = new TestFolder();
  const hook = join(folder.path, 'fd-count.ts');
  copyFileSync(fixture('fd-count.ts'), hook);
  const flags = ['--hook', `${hook},warnAbove=1`, '--server-pid', String(server.pid)];
  const ran = await withHook(folder.path, flags, /fd-count armed/);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(/many-descriptors/);
  const session = new SessionFolder(join(folder.path, 'out'));
  const [artifact] = session.span('get').targets[0]!.hooks['fd-count']!.artifacts;
  const counted = JSON.parse(readFileSync(join(session.path, artifact!.path), 'utf8')) as { before: number };
  expect(counted.before).toBeGreaterThan(3);
});

test('the hook that the documentation shows is the one that is tested', () => {
  const page = readFileSync(new URL('../../docs/hooks.md', import.meta.url), 'utf8');
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(page)!;
  expect(shown).toBe(readFileSync(fixture('fd-count.ts'), 'utf8'));
});

test.each([
  ['probe-throws', /hook broken .*failed: the probe is broken/],
  ['arm-throws', /hook broken .*failed: cannot be armed/],
  ['start-throws', /hook broken .*failed: cannot be started/],
  ['start-hangs', /hook broken .*failed: .*start took longer than 2 s/],
  ['stop-throws', /hook broken .*failed: cannot be stopped/],
  ['collect-throws', /collect-failed: .*cannot be collected/],
  ['dispose-throws', /hook broken .*failed: cannot be ended/],
])(
  'a hook that goes wrong (%s) is one clear line and code 3, and all else is complete',
  async (how, message) => {
    using folder = new TestFolder();
    const flags = ['--hook', `${fixture('broken-hook.js')},how=${how}`, '--profile', 'metrics'];
    const ran = await withHook(folder.path, flags, /system-metrics armed/);
    expect(ran.stderr).toMatch(message);
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.stdout.toString()).toBe('[STAGE:START] get\n[STAGE:END] get\nlast line\n');
    const session = new SessionFolder(join(folder.path, 'out'));
    expect(session.span('get').targets[0]!.hooks['system-metrics']!.artifacts).toHaveLength(1);
    expect(session.survivors()).toEqual([]);
  },
);

test('what a hook started and forgot is ended with the session', async () => {
  using folder = new TestFolder();
  const ran = await withHook(
    folder.path,
    ['--hook', `${fixture('broken-hook.js')},how=leaks`],
    /broken armed/,
  );
  expect(ran.code, ran.stderr).toBe(0);
  expect(new SessionFolder(join(folder.path, 'out')).survivors()).toEqual([]);
});
