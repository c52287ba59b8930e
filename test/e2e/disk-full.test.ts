import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { startCli, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

test('a full disk is told and is code 3; the benchmark never notices', async (context) => {
  using folder = new TestFolder();
  const disk = join(folder.path, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
  if (mounted.status !== 0)
    return context.skip(`a small disk cannot be mounted here: ${mounted.stderr.toString().trim()}`);
  try {
    await using server = await startServer();
    await using load = startLoad(server.port);
    void load;
    const running = startCli([
      ...['monitor', '--collect-perf', '-F', '9999', '--server-pid', String(server.pid)],
      ...['--output-dir', join(disk, 'out')],
    ]);
    await running.said('perf-record armed');
    let sent = '';
    const print = (line: string): void => {
      sent += line;
      running.child.stdin!.write(line);
    };
    for (let i = 0; i < 4; i++) {
      print(`[STAGE:START] get:${i}\n`);
      await sleep(500);
      print(`[STAGE:END] get:${i} duration=0.500s\n`);
    }
    running.child.stdin!.end();
    const ran = await running.ended;
    expect(ran.stdout.toString()).toBe(sent);
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.stderr).toMatch(/ENOSPC|[Nn]o space left/);
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
});
