import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SessionFolder, startCli, TestFolder } from '../e2e/support.ts';

const append = (log: string, text: string): void => writeFileSync(log, text, { flag: 'a' });

test.each([
  ['a folder', (log: string) => mkdirSync(log)],
  ['a named pipe without a writer', (log: string) => execFileSync('mkfifo', [log])],
  ['a loop of links', (log: string) => symlinkSync(log, log)],
])('a log that becomes %s is waited for, and followed when it is a log again', async (_, become) => {
  using folder = new TestFolder();
  const log = join(folder.path, 'bench.log');
  writeFileSync(log, '');
  const out = join(folder.path, 'out');
  const running = startCli(['monitor', log, '--profile', 'metrics', '--output-dir', out]);
  await running.said('system-metrics armed');
  append(log, '[STAGE:START] a\n[STAGE:END] a\n');
  await sleep(300);
  renameSync(log, `${log}.1`);
  become(log);
  await sleep(1_500);
  rmSync(log, { recursive: true });
  writeFileSync(log, '[STAGE:START] b\n');
  await sleep(6_000);
  append(log, '[STAGE:END] b\n');
  await sleep(1_500);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
  const session = new SessionFolder(out);
  expect(session.eventsOf('span-end').map(({ stage, state }) => `${stage} ${state}`)).toEqual([
    'a finished',
    'b finished',
  ]);
});

test('a reader of the output that stalls does not hold up the markers', async () => {
  using folder = new TestFolder();
  const running = startCli(['monitor', '--profile', 'metrics', '--output-dir', folder.path]);
  await running.said('system-metrics armed');
  running.child.stdout!.pause();
  running.child.stdin!.write(`${'x'.repeat(1023)}\n`.repeat(200));
  running.child.stdin!.write('[STAGE:START] a\n');
  await sleep(500);
  running.child.stdout!.resume();
  running.child.stdin!.end('[STAGE:END] a\n');
  expect((await running.ended).code).toBe(0);
  expect(new SessionFolder(folder.path).span('a').state).toBe('finished');
});

test.each([
  ['killed', 'SIGKILL', /"state":"killed"/],
  ['stopped and continued', 'SIGSTOP', /"state":"exited"/],
] as const)('a benchmark that is %s in a span', async (_, signal, end) => {
  using folder = new TestFolder();
  const file = join(folder.path, 'pid');
  const script = `echo $$ >"${file}"; echo "[STAGE:START] a"; echo begun >&2; sleep 1; echo "[STAGE:END] a"`;
  const running = startCli([
    'run',
    '--profile',
    'metrics',
    '--output-dir',
    join(folder.path, 'out'),
    '--',
    'sh',
    '-c',
    script,
  ]);
  await running.said('begun');
  const pid = Number(readFileSync(file, 'utf8'));
  process.kill(pid, signal);
  if (signal === 'SIGSTOP') {
    await sleep(2_000);
    process.kill(pid, 'SIGCONT');
  }
  const ran = await running.ended;
  const session = new SessionFolder(join(folder.path, 'out'));
  expect(JSON.stringify(session.eventsOf('source').at(-1))).toMatch(end);
  expect([ran.code, session.span('a').state]).toEqual(
    signal === 'SIGKILL' ? [137, 'unfinished'] : [0, 'finished'],
  );
});
