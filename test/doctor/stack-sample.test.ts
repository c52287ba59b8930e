import { afterAll, expect, test } from 'vitest';
import { depthFinding, resolvedFinding } from '../../src/doctor/stack-findings.ts';
import { countStacks, sampleStacks } from '../../src/doctor/stack-sample.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { children, localTarget } from '../perf/local-host.ts';
import { startLoad } from '../e2e/support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');
afterAll(() => children[Symbol.asyncDispose]());

test('frames of the server in user space are counted: not the kernel, not its children', () => {
  const script = [
    'valkey-server  10/10  1.000000001: ',
    '\tffffffff81a0 do_syscall_64 ([kernel.kallsyms])'.replace('81a0', '81a00000'),
    '\t    7f0000001000 __send (/lib/libc.so.6)',
    '\t    550000001000 [unknown] (/usr/bin/valkey-server)',
    '',
    'io_thd_1  10/11  1.000000002: ',
    '\t    550000002000 [unknown] (/usr/bin/valkey-server)',
    '',
    'valkey-server  10/10  1.000000003: ',
    '\tffffffff81a00001 schedule ([kernel.kallsyms])',
    '',
    'valkey-server  77/77  1.000000004: ',
    '\t    550000002000 rdbSave (/usr/bin/valkey-server)',
    '',
  ].join('\n');
  expect(countStacks({ program: 'valkey-server', pid: 10 }, script)).toEqual({
    samples: 3,
    userStacks: 2,
    userStacksOfDepth1: 1,
    userFrames: 3,
    unresolvedUserFrames: 2,
  });
});

test('a server under load is sampled, whose build keeps frame pointers', async () => {
  await using server = await startServer();
  await using load = startLoad(server.port);
  void load;
  const quality = await sampleStacks(localTarget(server.pid, 'valkey-server'));
  expect(quality.event).toMatch(/^(cpu-clock|cycles)/);
  expect(quality.userStacks).toBeGreaterThan(20);
  expect(quality.userFrames).toBeGreaterThan(quality.userStacks);
  expect(depthFinding(quality).state).toBe('ok');
});

test('what the shares mean, and that few samples mean nothing', () => {
  const quality = {
    event: 'cycles',
    samples: 100,
    userStacks: 100,
    userStacksOfDepth1: 60,
    userFrames: 400,
    unresolvedUserFrames: 200,
  };
  expect(depthFinding(quality)).toMatchObject({
    state: 'warning',
    found: '60 % of 100 user stacks have one frame (cycles)',
  });
  expect(resolvedFinding(quality)).toMatchObject({
    state: 'warning',
    found: '50 % of 400 user frames have no symbol',
  });
  const good = { ...quality, userStacksOfDepth1: 1, unresolvedUserFrames: 10 };
  expect([depthFinding(good).state, resolvedFinding(good).state]).toEqual(['ok', 'ok']);
  expect(depthFinding({ ...quality, samples: 0, userStacks: 0 })).toMatchObject({
    state: 'unknown',
    found: 'no sample in 200 ms',
  });
});
