import { mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Children } from '../../src/restore/children.ts';
import { ProcessGroup } from '../../src/restore/group.ts';
import { readStat } from '../../src/restore/stat.ts';
import type { ChildEnd } from '../../src/target/contract.ts';
import { eventually, fixture, readPids, runs } from './processes.ts';

describe('a child', () => {
  test('tells its output, its exit code, and the journal of both', async () => {
    const journal: unknown[] = [];
    await using children = new Children({
      started: ({ pid, argv }) => journal.push(['started', pid, argv]),
      ended: ({ pid, end }) => journal.push(['ended', pid, end]),
    });
    const argv = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    const child = children.spawn(argv);
    const [out, err] = await Promise.all([child.stdout!.toArray(), child.stderr!.toArray()]);
    expect(await child.ended).toEqual({ state: 'exited', exitCode: 3 });
    expect(`${Buffer.concat(out)}${Buffer.concat(err)}`).toBe('out\nerr\n');
    expect(journal).toEqual([
      ['started', child.pid, argv],
      ['ended', child.pid, { state: 'exited', exitCode: 3 }],
    ]);
  });

  test('that is not there says so', async () => {
    await using children = new Children();
    const child = children.spawn(['stagewatch-no-such-program']);
    expect(child.pid).toBeUndefined();
    expect(await child.ended).toMatchObject({ state: 'not-started', error: { code: 'ENOENT' } });
    const file = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'not-executable');
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
    for (const background of [false, true]) {
      expect(await children.spawn([file], { background }).ended).toMatchObject({
        state: 'not-started',
        error: { code: 'EACCES' },
      });
    }
    expect((await child.end()).state).toBe('not-started');
  });

  test('talks over further pipes, and takes descriptors of ours', async () => {
    await using children = new Children();
    const path = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'out');
    const child = children.spawn(['sh', '-c', 'read line <&3; echo "$line" >&4; echo done'], {
      stdio: ['ignore', openSync(path, 'w'), 'pipe', 'pipe', 'pipe'],
    });
    const reply = readPids(child.stdio[4] as never);
    (child.stdio[3] as NodeJS.WritableStream).write('42\n');
    expect(await reply).toEqual([42]);
    await child.ended;
    expect(readFileSync(path, 'utf8')).toBe('done\n');
  });

  test('that dies while we write to it does not hurt us', async () => {
    await using children = new Children();
    const child = children.spawn(['true'], { stdio: ['pipe', 'pipe', 'pipe'] });
    await child.ended;
    child.stdin!.write(Buffer.alloc(1 << 20));
    await sleep(50);
    expect(child.stdin!.destroyed).toBe(true);
  });

  test('sees a reduced environment', async () => {
    await using children = new Children();
    process.env['STAGEWATCH_TEST_SECRET'] = 'hunter2';
    const child = children.spawn(['env'], { env: { ADDED: 'yes' } });
    const text = Buffer.concat(await child.stdout!.toArray()).toString();
    delete process.env['STAGEWATCH_TEST_SECRET'];
    expect(text).toMatch(/^PATH=/m);
    expect(text).toMatch(/^ADDED=yes$/m);
    expect(text).not.toContain('hunter2');
  });

  test('prints a gigabyte that nobody reads, without growing us or hanging', async () => {
    await using children = new Children();
    const child = children.spawn(['head', '-c', '1000000000', '/dev/zero']);
    expect(await child.ended).toEqual({ state: 'exited', exitCode: 0 });
    expect(process.memoryUsage().rss).toBeLessThan(400e6);
  });
});

describe('ending', () => {
  test('escalates to SIGKILL for the whole group', async () => {
    await using children = new Children();
    const child = children.spawn([fixture('refuses.sh')]);
    const pids = await readPids(child.stdout);
    expect(pids).toHaveLength(2);
    expect(await child.end(100)).toEqual({ state: 'killed', signal: 'SIGKILL' });
    expect(pids.filter((pid) => runs(pid))).toEqual([]);
  });

  test('reaches what a program left behind, also when that keeps the pipe', async () => {
    await using children = new Children();
    const child = children.spawn([fixture('leaves.sh')]);
    const [, left] = await readPids(child.stdout);
    expect(await child.ended).toEqual({ state: 'exited', exitCode: 0 });
    expect(runs(left!)).toBe(true);
    expect(await child.end(500)).toEqual({ state: 'exited', exitCode: 0 });
    expect(runs(left!)).toBe(false);
  });

  test('reaches a stopped one, with its own signal first', async () => {
    await using children = new Children();
    const file = join(mkdtempSync(join(tmpdir(), 'stagewatch-')), 'signals');
    const child = children.spawn([fixture('tells.sh'), file], { endSignal: 'SIGINT' });
    const [pid] = await readPids(child.stdout);
    process.kill(pid!, 'SIGSTOP');
    expect(await child.end(300)).toEqual({ state: 'exited', exitCode: 0 });
    expect(readFileSync(file, 'utf8')).toBe('INT\nTERM\n');
  });

  test('everything, then the guard; nothing starts afterwards', async () => {
    const ends: ChildEnd[] = [];
    const children = new Children({ ended: ({ end }) => ends.push(end) });
    const list = [children.spawn(['sleep', '300']), children.spawn(['sleep', '300'])];
    const guard = children.guardPid!;
    expect(runs(guard)).toBe(true);
    await children[Symbol.asyncDispose]();
    expect(ends).toEqual(list.map(() => ({ state: 'killed', signal: 'SIGTERM' })));
    expect([guard, ...list.map(({ pid }) => pid!)].filter((pid) => runs(pid))).toEqual([]);
    expect(await children.spawn(['true']).ended).toMatchObject({ state: 'not-started' });
  });

  test('a reused PID is not touched', async () => {
    await using children = new Children();
    const child = children.spawn(['sleep', '300']);
    const { startTicks } = readStat(child.pid!)!;
    const impostor = new ProcessGroup(child.pid!, startTicks - 1);
    expect(impostor.signal('SIGKILL')).toBe(false);
    impostor.leaderReaped();
    expect(impostor.isEmpty()).toBe(true);
    expect(impostor.signal('SIGKILL')).toBe(false);
    await sleep(50);
    expect(runs(child.pid!)).toBe(true);
  });
});

describe('background children', () => {
  const stateOf = (pid: number | undefined): string | undefined => readStat(pid!)?.state;

  test('are niced, and stand still while a span is open', async () => {
    await using children = new Children();
    const background = children.spawn(['sleep', '300'], { background: true });
    const other = children.spawn(['sleep', '300']);
    expect(await eventually(() => getPriority(background.pid) === 19)).toBe(true);
    expect(getPriority(other.pid)).toBe(getPriority());
    children.pauseBackground();
    const late = children.spawn(['sh', '-c', 'echo ran "$(nice)" $1; [ ! -e /proc/$$/fd/3 ]', 'sh', 'a  b'], {
      background: true,
    });
    let output = '';
    late.stdout!.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    await sleep(100);
    expect([background, other].map(({ pid }) => stateOf(pid))).toEqual(['T', 'S']);
    expect(output).toBe('');
    children.resumeBackground();
    // 0: it does not see the descriptor that held it back.
    expect(await late.ended).toEqual({ state: 'exited', exitCode: 0 });
    expect(await eventually(() => output === 'ran 19 a b\n')).toBe(true);
    expect(late.stdio).toHaveLength(3);
    expect(await eventually(() => stateOf(background.pid) === 'S')).toBe(true);
  });

  test('end while they stand still', async () => {
    const children = new Children();
    const list = [children.spawn(['sleep', '300'], { background: true })];
    children.pauseBackground();
    list.push(children.spawn(['sleep', '300'], { background: true }));
    await children[Symbol.asyncDispose]();
    for (const child of list) expect(await child.ended).toEqual({ state: 'killed', signal: 'SIGTERM' });
  });
});
