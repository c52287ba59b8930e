import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ArmedRecord } from '../../src/perf/record.ts';
import { switchBuffersKib } from '../../src/perf/switch-buffer.ts';
import { Children } from '../../src/restore/children.ts';
import type { Child, SpawnOptions } from '../../src/target/contract.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { LocalTarget } from '../../src/target/local-target.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { localTarget } from './local-host.ts';

needs('perf', 'setpriv', 'prlimit');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-buffer-'));
chmodSync(folder, 0o777);
afterAll(() => rmSync(folder, { recursive: true }));

/** Where perf has the right to the kernel, but may lock no more than that beside kernel.perf_event_mlock_kb. */
class NarrowHost extends LocalHost {
  readonly #lockedBytes: number;

  constructor(children: Children, lockedBytes: number) {
    super(children);
    this.#lockedBytes = lockedBytes;
  }

  override spawn(argv: readonly string[], options?: SpawnOptions): Child {
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const rights = ['--inh-caps=+perfmon', '--ambient-caps=+perfmon'];
    const limit = ['prlimit', `--memlock=${this.#lockedBytes}:${this.#lockedBytes}`];
    return super.spawn([...limit, 'setpriv', ...user, ...rights, '--', ...argv], options);
  }
}

test('a recording of switches takes the buffers that it may have, and says when it may have none', async (context) => {
  context.skip(process.getuid?.() !== 0 || locate('setpriv') === undefined, 'needs root, to become another');
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    await using children = new Children();
    const arm = (lockedBytes: number): Promise<ArmedRecord> =>
      ArmedRecord.arm(
        new LocalTarget(new NarrowHost(children, lockedBytes), localTarget(sleeper.pid!, 'sleep')),
        {
          event: 'context-switches',
          frequency: 'every',
          switches: true,
          callGraph: 'fp',
          file: join(folder, `${lockedBytes}.data`),
        },
      );
    const cpus = availableParallelism();
    const [best = 0, least = best] = await switchBuffersKib(new LocalHost(children));
    expect(Math.log2(best) % 1).toBe(0);
    const enough = await arm(cpus * (least + 64) * 1_024);
    await enough.enable();
    await enough.end();
    await expect(arm(64 * 1_024)).rejects.toMatchObject({
      code: 'perf-no-buffer',
      message: expect.stringContaining('stagewatch doctor'),
    });
  } finally {
    sleeper.kill('SIGKILL');
  }
});
