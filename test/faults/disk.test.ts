import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SessionFolder, TestFolder } from '../e2e/support.ts';
import { Piped } from './support.ts';

/** A disk of its own, so small that it can be filled. */
class SmallDisk implements Disposable {
  readonly path: string;

  constructor(folder: TestFolder, size: string) {
    this.path = join(folder.path, 'disk');
    mkdirSync(this.path);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', this.path]);
    if (mounted.status !== 0) throw new Error(mounted.stderr.toString());
  }

  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    spawnSync('dd', [
      'if=/dev/zero',
      `of=${join(this.path, 'filler')}`,
      `bs=${bsize}`,
      `count=${bavail + 1}`,
    ]);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.path]);
  }
}

const metrics = (path: string, ...more: string[]): Piped =>
  new Piped(['--profile', 'metrics', '--output-dir', join(path, 'out'), ...more]);

const cannotMount =
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status !== 0
    ? 'no disk can be mounted here'
    : undefined;

describe.skipIf(cannotMount !== undefined)('a disk that is full', () => {
  test('before the session: told, and the output goes through', async () => {
    using folder = new TestFolder();
    using disk = new SmallDisk(folder, '64k');
    disk.fill();
    const piped = metrics(disk.path);
    await piped.running.said('system-metrics armed');
    await piped.stage('get', 100);
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toMatch(/session-not-written: session\.json: ENOSPC/);
    expect(ran.stderr).not.toContain('    at ');
  });

  test('while armed: told once, the output goes through, and what was written before can be read', async () => {
    using folder = new TestFolder();
    using disk = new SmallDisk(folder, '256k');
    const piped = metrics(disk.path);
    await piped.running.said('system-metrics armed');
    disk.fill();
    await piped.stage('get', 300);
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toContain('ENOSPC');
    const { events } = new SessionFolder(join(disk.path, 'out'));
    expect(events[0]).toMatchObject({ type: 'session', state: 'started' });
  });

  test('while collecting: the journal has the spans, and the exit code is 3', async () => {
    using folder = new TestFolder();
    using disk = new SmallDisk(folder, '256k');
    const piped = metrics(disk.path);
    await piped.running.said('system-metrics armed');
    await piped.stage('get', 300);
    await new Promise((tick) => setTimeout(tick, 50));
    disk.fill();
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toContain('ENOSPC');
  });

  test('by a hook that writes without end: told, and the hook is ended', async () => {
    using folder = new TestFolder();
    using disk = new SmallDisk(folder, '2m');
    const hook = join(folder.path, 'writes.mjs');
    writeFileSync(
      hook,
      `import { defineHook, available, z } from 'stagewatch/hook';
export default defineHook({
  name: 'writes', description: 'writes 10 GB', options: z.object({}), target: 'optional',
  probe: async () => available,
  arm: async ({ target }) => ({
    start: async () => {}, stop: async () => {},
    collect: async (spans, out) => [await out.of(spans[0]).writeText('big.txt', 'x'.repeat(10_000_000))],
    [Symbol.asyncDispose]: async () => {},
  }),
});\n`,
    );
    const piped = metrics(disk.path, '--hook', hook);
    await piped.running.said('writes armed');
    await piped.stage('get', 300);
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toMatch(/collect-failed: writes: ENOSPC/);
    expect(new SessionFolder(join(disk.path, 'out')).info['state']).toBe('complete');
  });

  test('made read-only in a span: told, and the output goes through', async () => {
    using folder = new TestFolder();
    using disk = new SmallDisk(folder, '256k');
    const piped = metrics(disk.path);
    await piped.running.said('system-metrics armed');
    // A mount that has files open for writing cannot be made read-only: the part of it that comes next is.
    const session = new SessionFolder(join(disk.path, 'out')).path;
    mkdirSync(join(session, 'spans'));
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', join(session, 'spans')]);
    await piped.stage('get', 300);
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toMatch(/EROFS/);
  });
});

test.each(['removed', 'renamed'])(
  'the output folder is %s in a span: told, the output goes through',
  async (how) => {
    using folder = new TestFolder();
    const piped = metrics(folder.path);
    await piped.running.said('system-metrics armed');
    await piped.stage('get', 400, () => {
      if (how === 'removed') rmSync(join(folder.path, 'out'), { recursive: true });
      else renameSync(join(folder.path, 'out'), join(folder.path, 'elsewhere'));
    });
    const ran = await piped.end();
    expect([ran.code, ran.stdout.toString()]).toEqual([3, piped.sent]);
    expect(ran.stderr).toContain('was moved or removed while it was written');
    const place = how === 'renamed' ? [new SessionFolder(join(folder.path, 'elsewhere'))] : [];
    // What was written went into the folder itself, not to where its name led.
    expect(place.map((session) => [session.span('get').state, session.info['state']])).toEqual(
      place.map(() => ['finished', 'complete']),
    );
  },
);
