import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ArmedRecord } from '../../src/perf/record.ts';
import { switchBuffersKib } from '../../src/perf/switch-buffer.ts';
import { Children } from '../../src/restore/children.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { LocalTarget } from '../../src/target/local-target.ts';
import { NobodyHost } from '../hooks/nobody.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { localTarget } from './local-host.ts';

needs('perf', 'setpriv', 'prlimit');

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-buffer-'));
chmodSync(folder, 0o777);
afterAll(() => rmSync(folder, { recursive: true }));

test('a recording of switches takes the buffers that it may have, and says when it may have none', async (context) => {
  context.skip(process.getuid?.() !== 0 || locate('setpriv') === undefined, 'needs root, to become another');
  const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    await using children = new Children();
    const arm = (lockedBytes: number): Promise<ArmedRecord> =>
      ArmedRecord.arm(
        new LocalTarget(
          new NobodyHost(children, { capabilities: ['perfmon'], lockedBytes }),
          localTarget(sleeper.pid!, 'sleep'),
        ),
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
