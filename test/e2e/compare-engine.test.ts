import { expect, test } from 'vitest';
import { needs } from '../servers/need.ts';
import { startSlowEngine } from './slow-engine.ts';
import { runCli, TestFolder } from './support.ts';

needs('perf');

test('an engine that wastes CPU time is slower, and the guilty function is at the top', async () => {
  using own = new TestFolder();
  await using calm = await startSlowEngine(0);
  await using slow = await startSlowEngine(30_000);
  const ran = await runCli([
    ...['ab', '--a', String(calm.port), '--b', String(slow.port), '--pairs', '6', '--json'],
    ...['--driver', 'builtin', '--collect-perf', '--output-dir', own.path, '--warmup', '300ms'],
    ...['-t', 'get', '-n', '8000', '-c', '8', '--num-threads', '1'],
  ]);
  const { verdict, stages } = JSON.parse(ran.stdout.toString()) as {
    verdict: string;
    stages: { functions: { name: string; newUs: number; baseUs: number }[] }[];
  };
  expect(verdict).toBe('slower');
  expect(ran.code).toBe(1);
  const [top] = stages[0]!.functions;
  expect(top!.name).toContain('guiltyLoop');
  expect(top!.newUs).toBeGreaterThan(top!.baseUs);
}, 120_000);
