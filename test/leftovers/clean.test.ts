import { spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { threadOf, threadsOf } from '../../src/experiment/affinity.ts';
import { onlineCpus } from '../../src/experiment/cpu-list.ts';
import { cleanSession } from '../../src/leftovers/clean.ts';
import { findSessions } from '../../src/leftovers/find.ts';
import { isStillRunning } from '../../src/restore/end-process.ts';
import { readStat } from '../../src/restore/stat.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { readSession } from '../../src/session/read.ts';
import { TestFolder } from '../e2e/support.ts';
import { ControlClient } from '../../src/valkey/client.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { leaveSession } from './journal.ts';

needs('valkey-server');

const options = { dryRun: false, collect: false, stop: new AbortController().signal };

/** A process in a group of its own, as ours are. */
class Left implements Disposable {
  readonly child: ChildProcess;
  readonly startTicks: number;

  constructor(script: string) {
    this.child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
    this.startTicks = readStat(this.child.pid!)!.startTicks;
  }

  get pid(): number {
    return this.child.pid!;
  }

  event(startTicks = this.startTicks): SessionEvent {
    return { type: 'process', state: 'started', pid: this.pid, startTicks, argv: ['perf', 'record'] };
  }

  get runs(): boolean {
    return isStillRunning(this);
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}

const changed = (setting: string, from: string, to: string, server: string): SessionEvent => ({
  type: 'setting',
  state: 'changed',
  setting,
  from,
  to,
  server,
});

const config = async (port: number, name: string): Promise<string> => {
  await using client = new ControlClient({ host: '127.0.0.1', port });
  const [answer] = await client.ask([['CONFIG', 'GET', name]]);
  return String((answer as { readonly reply: readonly string[] }).reply[1]);
};

describe('processes', () => {
  test('what is still ours is ended, one that refuses and one that is stopped too', async () => {
    using folder = new TestFolder();
    using plain = new Left('exec sleep 60');
    using refuses = new Left("trap '' INT TERM; while :; do sleep 0.1; done");
    using stopped = new Left('exec sleep 60');
    stopped.child.kill('SIGSTOP');
    const session = leaveSession(folder.path, [plain.event(), refuses.event(), stopped.event()]);
    const { processes } = await cleanSession(session, options);
    expect(processes.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended']);
    expect([plain.runs, refuses.runs, stopped.runs]).toEqual([false, false, false]);
  });

  test('a reused PID is not touched, nor one of before a reboot, nor what a damaged journal names', async () => {
    using folder = new TestFolder();
    using theirs = new Left('exec sleep 60');
    const damaged = { type: 'process', state: 'started', pid: 0, startTicks: 1, argv: [] } as const;
    const reused = leaveSession(folder.path, [theirs.event(theirs.startTicks + 1), damaged]);
    expect((await cleanSession(reused, options)).processes).toEqual([]);
    const before = leaveSession(
      folder.path,
      [theirs.event()],
      { bootId: 'another' },
      '2026-11-23T04-41-18Z-b',
    );
    expect((await cleanSession(before, options)).processes).toEqual([]);
    expect(theirs.runs).toBe(true);
  });
});

describe('settings of a server', () => {
  test('are what they were before the first change; doing it again does nothing', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const where = `127.0.0.1:${server.port}`;
    await ask(server.port, 'CONFIG', 'SET', 'hz', '50');
    const session = leaveSession(folder.path, [
      changed('config:hz', '10', '20', where),
      changed('config:hz', '10', '50', where),
    ]);
    const planned = await cleanSession(session, { ...options, dryRun: true });
    expect(planned.settings).toMatchObject([
      { setting: 'config:hz', outcome: { state: 'restored', now: '50' } },
    ]);
    expect(await config(server.port, 'hz')).toBe('50');
    await cleanSession(session, options);
    expect(await config(server.port, 'hz')).toBe('10');
    expect((await cleanSession(session, options)).settings).toEqual([]);
    expect((await readSession(session)).events.at(-1)).toMatchObject({ type: 'setting', state: 'restored' });
  });

  test('are left alone where somebody changed them since, and where only a restart could', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const where = `127.0.0.1:${server.port}`;
    await ask(server.port, 'CONFIG', 'SET', 'hz', '77');
    const byRestart = {
      ...changed('config:io-threads', '4', '1', where),
      command: ['restart', '{io-threads}'],
    };
    const session = leaveSession(folder.path, [
      changed('config:hz', '10', '50', where),
      byRestart as SessionEvent,
    ]);
    const { settings } = await cleanSession(session, options);
    expect(settings.map(({ setting, outcome }) => [setting, outcome.state])).toEqual([
      ['config:io-threads', 'left'],
      ['config:hz', 'left'],
    ]);
    expect(await config(server.port, 'hz')).toBe('77');
  });

  test('of a server that is gone are told, and tried again later', async () => {
    using folder = new TestFolder();
    const session = leaveSession(folder.path, [changed('config:hz', '10', '50', '127.0.0.1:1')]);
    for (const _ of [1, 2])
      expect((await cleanSession(session, options)).settings).toMatchObject([
        { outcome: { state: 'failed' } },
      ]);
  });

  test('keys of an experiment are removed, and no others', async () => {
    using folder = new TestFolder();
    await using server = await startServer();
    const prefix = 'stagewatch:memory:0123abcd:';
    for (const key of [`${prefix}key:1`, `${prefix}key:2`, 'stagewatch:memory:', 'theirs'])
      await ask(server.port, 'SET', key, '1');
    const where = `127.0.0.1:${server.port}`;
    const session = leaveSession(folder.path, [
      changed(`keys:${prefix}`, 'none', 'some', where),
      changed('keys:', 'none', 'some', where),
    ]);
    const { settings } = await cleanSession(session, options);
    expect(settings.map(({ outcome }) => outcome.state)).toEqual(['left', 'restored']);
    expect(await ask(server.port, 'DBSIZE')).toBe('2');
  });

  test('a thread goes back to its CPUs, if it still is the same', async (context) => {
    const [first] = onlineCpus();
    if (onlineCpus().length < 2 || first === undefined) return context.skip('one CPU: nothing can be moved');
    using folder = new TestFolder();
    using process = new Left('exec sleep 60');
    const { tid, pid, startTicks, cpus } = threadsOf(process.pid)[0]!;
    spawn('taskset', ['-cp', String(first), String(tid)]).unref();
    while (threadOf(pid, tid)!.cpus !== String(first)) await new Promise((tick) => setTimeout(tick, 10));
    const moved = (ticks: number): SessionEvent => ({
      type: 'setting',
      state: 'changed',
      setting: `affinity:${tid}`,
      thread: { tid, pid, startTicks: ticks },
      from: cpus,
      to: String(first),
    });
    const other = leaveSession(folder.path, [moved(startTicks + 1)]);
    expect((await cleanSession(other, options)).settings[0]!.outcome.state).toBe('nothing-to-do');
    expect(threadOf(pid, tid)!.cpus).toBe(String(first));
    const own = leaveSession(folder.path, [moved(startTicks)], {}, '2026-11-23T04-41-18Z-b');
    expect((await cleanSession(own, options)).settings[0]!.outcome.state).toBe('restored');
    expect(threadOf(pid, tid)!.cpus).toBe(cpus);
  });
});

describe('the journal', () => {
  test('is completed, and then has nothing to clean', async () => {
    using folder = new TestFolder();
    const session = leaveSession(folder.path, []);
    appendFileSync(join(session, 'events.ndjson'), '{"t":"2026-11-23T04:41:1');
    expect(await findSessions(folder.path)).toMatchObject([{ writer: 'gone', isEnded: false }]);
    const cleaned = await cleanSession(session, { ...options, collect: true });
    expect(cleaned.collected).toMatchObject({ state: 'collected', spans: 0 });
    expect(await findSessions(folder.path)).toMatchObject([{ writer: 'gone', isEnded: true }]);
    const read = await readSession(session);
    expect(read.events.at(-1)).toMatchObject({ type: 'session', state: 'ended', recovered: true });
    expect([read.badLines, read.info['state']]).toEqual([1, 'recovered']);
  });

  test('of a session that runs, or that runs elsewhere for all we know, is left alone', async () => {
    using folder = new TestFolder();
    using writer = new Left('exec sleep 60');
    const running = leaveSession(folder.path, [], { pid: writer.pid, startTicks: writer.startTicks });
    await expect(cleanSession(running, options)).rejects.toMatchObject({ code: 'session-running' });
    const elsewhere = leaveSession(folder.path, [], { host: 'another' }, '2026-11-23T04-41-18Z-b');
    await expect(cleanSession(elsewhere, options)).rejects.toMatchObject({ code: 'session-elsewhere' });
    expect((await findSessions(folder.path)).map(({ writer: state }) => state)).toEqual([
      'elsewhere',
      'running',
    ]);
  });

  test('is not followed when somebody else can write it', async () => {
    using folder = new TestFolder();
    using theirs = new Left('exec sleep 60');
    const session = leaveSession(folder.path, [theirs.event()]);
    const refused = { code: 'not-ours' };
    chmodSync(join(session, 'events.ndjson'), 0o666);
    await expect(cleanSession(session, options)).rejects.toMatchObject(refused);
    chmodSync(join(session, 'events.ndjson'), 0o600);
    symlinkSync(session, join(folder.path, '2026-11-23T04-41-19Z-link'));
    await expect(cleanSession(join(folder.path, '2026-11-23T04-41-19Z-link'), options)).rejects.toMatchObject(
      refused,
    );
    expect(await findSessions(folder.path)).toHaveLength(1);
    expect(theirs.runs).toBe(true);
  });

  test.skipIf(process.geteuid?.() !== 0)('is not followed by root where it is a user’s', async () => {
    using folder = new TestFolder();
    using theirs = new Left('exec sleep 60');
    const session = leaveSession(folder.path, [theirs.event()]);
    chownSync(session, 65_534, 65_534);
    await expect(cleanSession(session, options)).rejects.toMatchObject({ code: 'not-ours' });
    expect(await findSessions(folder.path)).toEqual([]);
    expect(theirs.runs).toBe(true);
  });

  test('is cleaned by one at a time; a lock that a killed one left does not hold', async () => {
    using folder = new TestFolder();
    using holder = new Left('exec sleep 60');
    const session = leaveSession(folder.path, []);
    const lock = join(session, '.cleaning');
    const { bootId } = JSON.parse(readFileSync(join(session, 'events.ndjson'), 'utf8').split('\n')[0]!) as {
      bootId: string;
    };
    writeFileSync(lock, JSON.stringify({ pid: holder.pid, startTicks: holder.startTicks, bootId }));
    await expect(cleanSession(session, options)).rejects.toMatchObject({ code: 'being-cleaned' });
    writeFileSync(lock, JSON.stringify({ pid: holder.pid, startTicks: holder.startTicks + 1, bootId }));
    await cleanSession(session, options);
    expect(existsSync(lock)).toBe(false);
  });
});
