import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { needs } from './need.ts';
import { ask, startServer } from './start.ts';

needs('valkey-server', 'redis-server');

test.each(['valkey-server', 'redis-server'] as const)('a fetched %s answers, and ends', async (program) => {
  let pid: number;
  {
    await using server = await startServer({ program, args: ['--requirepass', 'secret'] });
    pid = server.pid;
    expect(await ask(server.port, 'PING\r\n')).toMatch(/^-NOAUTH/);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(`127.0.0.1:${server.port}`);
  }
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
