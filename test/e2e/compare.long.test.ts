import { expect, test } from 'vitest';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { runCli, TestFolder } from './support.ts';

needs('valkey-server', 'valkey-benchmark');

const COMPARISONS = 20;

test('a server against its like is called slower in at most 1 of 20 comparisons, and faster no more often', async () => {
  const verdicts: string[] = [];
  for (let i = 0; i < COMPARISONS; i++) {
    using own = new TestFolder();
    // Started anew each time: the luck of a process's memory layout is part of what must not be taken for a change.
    await using a = await startServer();
    await using b = await startServer();
    const ran = await runCli([
      ...[
        'ab',
        '--a',
        String(a.port),
        '--b',
        String(b.port),
        '--precision',
        '2%',
        '--max-runs',
        '24',
        '--json',
      ],
      ...[
        '--output-dir',
        own.path,
        '--binary',
        locate('valkey-benchmark')!,
        '-t',
        'get',
        '-n',
        '20000',
        '-c',
        '10',
      ],
    ]);
    verdicts.push((JSON.parse(ran.stdout.toString()) as { verdict: string }).verdict);
  }
  const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
  expect(count('slower'), verdicts.join(' ')).toBeLessThanOrEqual(1);
  expect(count('faster'), verdicts.join(' ')).toBeLessThanOrEqual(1);
});
