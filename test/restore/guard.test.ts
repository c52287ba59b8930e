import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Children } from '../../src/restore/children.ts';
import { guardScript } from '../../src/restore/guard.ts';
import { readStat } from '../../src/restore/stat.ts';
import type { SpawnOptions } from '../../src/target/contract.ts';
import { eventually, fixture, inheritedDescriptors, readPids, runs } from './processes.ts';

/** A process that starts these and waits; kill it. */
async function startVictim(
  list: [argv: string[], options: SpawnOptions][],
): Promise<{ victim: ChildProcess; pids: number[]; guard: number }> {
  const victim = spawn(process.execPath, [fixture('killed.mjs'), JSON.stringify(list)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  victim.stdout.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  if (!(await eventually(() => /guard \d+\n/.test(text)))) throw new Error(`No guard in: ${text}`);
  const pids = (text.match(/\d+/g) ?? []).map(Number);
  return { victim, pids: pids.slice(0, -1), guard: pids.at(-1)! };
}

describe('when we are killed by SIGKILL', () => {
  test('nothing is left running, and SIGINT came first', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'signals');
    const { victim, pids, guard } = await startVictim([
      [[fixture('tells.sh'), file], { endSignal: 'SIGINT' }],
      [[fixture('refuses.sh')], {}],
      [[fixture('leaves.sh')], {}],
    ]);
    expect(pids).toHaveLength(6);
    expect(runs(guard)).toBe(true);
    victim.kill('SIGKILL');
    expect(await eventually(() => ![...pids, guard].some((pid) => runs(pid)), 8000)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('INT\nTERM\n');
  });

  test('stopped children end too', async () => {
    const { victim, pids, guard } = await startVictim([[['sh', '-c', 'echo $$; exec sleep 300'], {}]]);
    process.kill(pids[0]!, 'SIGSTOP');
    victim.kill('SIGKILL');
    expect(await eventually(() => ![...pids, guard].some((pid) => runs(pid)), 8000)).toBe(true);
  });

  test('the guard outlives the signals of a terminal', async () => {
    const { victim, pids, guard } = await startVictim([[['sh', '-c', 'echo $$; exec sleep 300'], {}]]);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(guard, signal);
    victim.kill('SIGKILL');
    expect(await eventually(() => ![...pids, guard].some((pid) => runs(pid)), 8000)).toBe(true);
  });
});

describe('the guard', () => {
  test('does not touch a PID with another start time, nor what ended, nor what is no number', async () => {
    await using children = new Children();
    const [reused, ended] = [children.spawn(['sleep', '300']), children.spawn(['sleep', '300'])];
    const ticks = readStat(ended.pid!)!.startTicks;
    const guard = spawn('/bin/sh', [guardScript()], { stdio: ['pipe', 'inherit', 'inherit'] });
    guard.stdin.end(
      `add ${reused.pid} ${ticks + 1} INT\nadd ${ended.pid} ${ticks} INT\ndel ${ended.pid}\n` +
        'add $(touch /tmp/x) 1 INT\nadd * * *\nadd 1 1 INT\nadd\nnonsense\n\n',
    );
    expect(await once(guard, 'exit')).toEqual([0, null]);
    expect([reused, ended].map(({ pid }) => runs(pid!))).toEqual([true, true]);
  });

  test('ends a group although the name of its leader holds blanks and brackets', async () => {
    await using children = new Children();
    const script = `require('fs').writeFileSync('/proc/self/comm', 'a) S 1 (b'); console.log(process.pid); setInterval(() => {}, 1000)`;
    const child = children.spawn([process.execPath, '-e', script]);
    await readPids(child.stdout);
    const { comm, startTicks } = readStat(child.pid!)!;
    expect(comm).toBe('a) S 1 (b');
    const guard = spawn('/bin/sh', [guardScript()], { stdio: ['pipe', 'inherit', 'inherit'] });
    guard.stdin.end(`add ${child.pid} ${startTicks} INT\n`);
    expect(await child.ended).toEqual({ state: 'killed', signal: 'SIGINT' });
  });

  test('that is killed is replaced once, and then it is told', async () => {
    let lost = 0;
    await using children = new Children({ guardLost: () => lost++ });
    children.spawn(['sleep', '300']);
    const first = children.guardPid!;
    process.kill(first, 'SIGKILL');
    expect(await eventually(() => children.guardPid !== undefined && children.guardPid !== first)).toBe(true);
    expect(lost).toBe(0);
    process.kill(children.guardPid!, 'SIGKILL');
    expect(await eventually(() => lost === 1)).toBe(true);
    expect(children.spawn(['sleep', '300']).pid).toBeDefined();
    expect(children.guardPid).toBeUndefined();
  });

  test('keeps no descriptor of ours, and no child holds its pipe', async () => {
    await using children = new Children();
    const child = children.spawn(['sh', '-c', 'echo $$ $(ls /proc/self/fd); exec sleep 300']);
    const [, ...descriptors] = await readPids(child.stdout);
    // The fourth is that of `ls` itself, reading the folder.
    expect(descriptors.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, ...inheritedDescriptors()]);
  });
});
