import { describe, expect, test } from 'vitest';
import { parseRestartCommand } from '../../src/experiment/restart-command.ts';
import { ServerSettings, type SettingsPlan } from '../../src/experiment/settings.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { ask } from '../load/support.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { RestartableServer } from './restartable.ts';

needs('valkey-server');

/** A plan, and the journal of what it does: `changing hz 10->50`. */
function planFor(port: number, changes: Partial<SettingsPlan> = {}) {
  const lines: string[] = [];
  const events: SessionEvent[] = [];
  const plan: SettingsPlan = {
    address: { host: '127.0.0.1', port },
    fixed: {},
    tuned: [],
    yes: false,
    ...changes,
  };
  const journal = async (event: SessionEvent): Promise<void> => {
    events.push(event);
    if (event.type === 'setting')
      lines.push(`${event.state} ${event.setting.replace('config:', '')} ${event.from}->${event.to}`);
    await Promise.resolve();
  };
  return { lines, events, open: () => ServerSettings.open(plan, journal) };
}

const config = async (port: number, name: string): Promise<string> => {
  const { ControlLink } = await import('../../src/load/control-link.ts');
  const link = await ControlLink.open({ host: '127.0.0.1', port, database: 0 });
  const reply = await link.demand(['CONFIG', 'GET', name]);
  link.close();
  return String((reply as readonly unknown[])[1]);
};

describe('settings of a running server', () => {
  test('are made as a trial wants them, read back in the server’s own form, and put back', async () => {
    await using server = await startServer();
    const { lines, events, open } = planFor(server.port, { fixed: { hz: '50' }, tuned: ['maxmemory'] });
    {
      await using settings = await open();
      expect(lines).toEqual([]);
      await settings.before({ serverConfig: { maxmemory: '100mb', 'Lazyfree-Lazy-Expire': 'NO' } });
      expect(await config(server.port, 'maxmemory')).toBe('104857600');
      expect(await config(server.port, 'hz')).toBe('50');
      await settings.before({ serverConfig: { maxmemory: '104857600' } });
      await settings.before({ serverConfig: { maxmemory: '200mb' } });
      // One that does not mention it gets what the server had.
      await settings.before({ serverConfig: {} });
      expect(await config(server.port, 'maxmemory')).toBe('0');
      await settings.before({ serverConfig: { maxmemory: '64mb' } });
    }
    expect(await config(server.port, 'maxmemory')).toBe('0');
    expect(await config(server.port, 'hz')).toBe('10');
    expect(lines.filter((line) => line.startsWith('changing'))).toEqual([
      'changing hz 10->50',
      'changing maxmemory 0->100mb',
      'changing lazyfree-lazy-expire yes->NO',
      'changing lazyfree-lazy-expire yes->yes',
      'changing maxmemory 0->200mb',
      'changing maxmemory 0->0',
      'changing maxmemory 0->64mb',
    ]);
    expect(lines.slice(-3)).toEqual([
      'restored lazyfree-lazy-expire yes->yes',
      'restored maxmemory 0->64mb',
      'restored hz 10->50',
    ]);
    expect(events[0]).toMatchObject({ server: `127.0.0.1:${server.port}` });
  });

  test('a value that is refused, or not kept, fails the trial with the reason, and is put back', async () => {
    await using server = await startServer();
    const { lines, open } = planFor(server.port, { tuned: ['hz', 'maxmemory-samples'] });
    {
      await using settings = await open();
      await expect(settings.before({ serverConfig: { 'maxmemory-samples': '0' } })).rejects.toMatchObject({
        name: 'BenchmarkError',
        code: 'setting-refused',
        message: expect.stringContaining('between 1 and 64') as string,
      });
      await expect(settings.before({ serverConfig: { hz: '1000' } })).rejects.toMatchObject({
        name: 'BenchmarkError',
        code: 'setting-not-kept',
        message: expect.stringContaining('hz=1000 after CONFIG SET, but it says 500') as string,
      });
      expect(await config(server.port, 'hz')).toBe('500');
    }
    expect(await config(server.port, 'hz')).toBe('10');
    expect(lines.at(-1)).toBe('restored maxmemory-samples 5->0');
  });

  test('one that only a restart changes is refused before the first trial', async () => {
    await using server = await startServer();
    await expect(planFor(server.port, { tuned: ['io-threads'] }).open()).rejects.toMatchObject({
      name: 'UsageError',
      code: 'immutable-setting',
      message: expect.stringContaining('--restart-command') as string,
    });
    await expect(planFor(server.port, { tuned: ['no-such'] }).open()).rejects.toMatchObject({
      code: 'unknown-setting',
    });
    for (const name of ['requirepass', 'tls-key-file-pass', 'port', 'h*', ''])
      await expect(planFor(server.port, { fixed: { [name]: '1' } }).open()).rejects.toMatchObject({
        code: 'bad-setting',
      });
  });

  test('a server that holds something is changed with --yes only', async () => {
    await using server = await startServer();
    await ask(server.port, 'SELECT', '0');
    await ask(server.port, 'SET', 'theirs', '1');
    await expect(planFor(server.port, { tuned: ['hz'] }).open()).rejects.toMatchObject({
      name: 'UsageError',
      code: 'needs-yes',
      message: `Expected --yes for changing hz on 127.0.0.1:${server.port}, since it holds 1 key.`,
    });
    await using settings = await planFor(server.port, { tuned: ['hz'], yes: true }).open();
    await settings.before({ serverConfig: { hz: '20' } });
    expect(await config(server.port, 'hz')).toBe('20');
    // Nothing to change needs no permission.
    await using none = await planFor(server.port).open();
    await none.before({ serverConfig: {} });
  });

  test('a server that died meanwhile is told, and disposing still ends', async () => {
    const server = await startServer();
    const { lines, events, open } = planFor(server.port, { fixed: { hz: '50' } });
    const settings = await open();
    await settings.before({ serverConfig: {} });
    await server[Symbol.asyncDispose]();
    await expect(settings.before({ serverConfig: { hz: '60' } })).rejects.toMatchObject({
      name: 'BenchmarkError',
    });
    await expect(settings[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'not-restored',
      message: expect.stringMatching(
        /config:hz of 127\.0\.0\.1:\d+ is to be "10" again: .*nobody listens/,
      ) as string,
    });
    expect(lines.at(-1)).toBe('not-restored hz 10->50');
    expect(events.at(-1)).toMatchObject({ message: expect.stringContaining('nobody listens') as string });
  });
});

describe('settings of the server’s start', () => {
  test.each([
    ['the environment', []],
    ['its arguments', ['{io-threads}']],
  ])('a command restarts it with them, told by %s', async (_, more) => {
    await using server = await RestartableServer.start();
    const first = server.pid;
    const { lines, events, open } = planFor(server.port, {
      fixed: { hz: '50' },
      tuned: ['io-threads'],
      restart: parseRestartCommand([...server.argv, ...more].join(' '), 20_000),
    });
    {
      await using settings = await open();
      for (const threads of ['2', '3']) {
        await settings.before({ serverConfig: { 'io-threads': threads } });
        expect(await config(server.port, 'io-threads')).toBe(threads);
        // A restart forgets it, and so it is made again.
        expect(await config(server.port, 'hz')).toBe('50');
      }
      const pid = server.pid;
      expect(pid).not.toBe(first);
      await settings.before({ serverConfig: { 'io-threads': '3' } });
      expect(server.pid).toBe(pid);
    }
    expect(await config(server.port, 'io-threads')).toBe('1');
    expect(await config(server.port, 'hz')).toBe('10');
    expect(server.starts).toEqual([1, 2, 3, 1].map((threads) => `io-threads ${threads}`));
    expect(lines.at(-1)).toBe('restored io-threads 1->3');
    expect(events.find(({ type }) => type === 'setting')).toMatchObject({
      command: [...server.argv, ...more],
    });
  });

  test('a command that fails, or restarts nothing, says so', async () => {
    await using server = await RestartableServer.start();
    const cases: readonly (readonly [string, string, string])[] = [
      [
        "/bin/sh -c 'echo no space left >&2; exit 3'",
        'restart-failed',
        'exit code 3. It said last: "no space left"',
      ],
      ['/nonexistent', 'restart-failed', 'could not be started'],
      ['true', 'not-restarted', 'same process as before'],
      ['sleep 100', 'restart-failed', 'had not ended'],
    ];
    for (const [command, code, message] of cases) {
      const { open } = planFor(server.port, {
        tuned: ['io-threads'],
        restart: parseRestartCommand(command, 1_000),
      });
      await using settings = await open();
      await expect(settings.before({ serverConfig: { 'io-threads': '2' } })).rejects.toMatchObject({
        name: 'BenchmarkError',
        code,
        message: expect.stringContaining(message) as string,
      });
    }
    expect(await config(server.port, 'io-threads')).toBe('1');
  });

  test('a server that fell meanwhile is raised by the next trial, and in the end', async () => {
    await using server = await RestartableServer.start();
    const { lines, open } = planFor(server.port, {
      tuned: ['io-threads'],
      restart: parseRestartCommand([...server.argv, '{io-threads}'].join(' '), 20_000),
    });
    {
      await using settings = await open();
      await settings.before({ serverConfig: { 'io-threads': '2' } });
      await server.fall();
      await settings.before({ serverConfig: { 'io-threads': '2' } });
      expect(await config(server.port, 'io-threads')).toBe('2');
      await server.fall();
    }
    expect(await config(server.port, 'io-threads')).toBe('1');
    expect(lines.at(-1)).toBe('restored io-threads 1->2');
  });
});
