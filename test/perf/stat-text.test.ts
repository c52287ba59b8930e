import { expect, test } from 'vitest';
import { summariseCounts } from '../../src/perf/stat-summary.ts';
import { parseThreadCounts } from '../../src/perf/stat-text.ts';

const target = { program: 'valkey-server', pid: 10 };

test('names may hold what separates, and chatter is passed over', () => {
  const counts = parseThreadCounts(
    [
      'Events disabled',
      'a;b-c"-11;12.50;msec;task-clock;12500000;100.00;0.5;CPUs utilized',
      'valkey-server-10;<not supported>;;cycles;0;100.00;;',
      '',
      '# started on Mon',
    ].join('\n'),
  );
  expect(counts).toEqual([
    {
      thread: 'a;b-c"',
      tid: 11,
      event: 'task-clock',
      unit: 'msec',
      count: { state: 'counted', value: 12.5, runningNs: 12_500_000, share: 1 },
    },
    { thread: 'valkey-server', tid: 10, event: 'cycles', unit: '', count: { state: 'not-supported' } },
  ]);
});

test('threads that slept are 0; counters that had no turn are unknown; shares are of the time they were wanted', () => {
  const counts = parseThreadCounts(
    [
      'valkey-server-10;2000;;cycles;300;75.00;;',
      'io_thd_1-11;1000;;cycles;100;50.00;;',
      'bio_aof-12;<not counted>;;cycles;0;100.00;;',
      'valkey-server-10;<not counted>;;branches;0;0.00;;',
      'valkey-server-10;6000;;instructions;400;100.00;;',
    ].join('\n'),
  );
  const { counters, derived, pools, threads } = summariseCounts(counts, target, 1_000);
  expect(threads).toBe(3);
  expect(counters).toEqual([
    { event: 'cycles', value: 3000, unit: 'count', share: 400 / 600 },
    { event: 'branches', value: null, unit: 'count', share: 0 },
    { event: 'instructions', value: 6000, unit: 'count', share: 1 },
  ]);
  expect(derived).toEqual({ ipc: 2 });
  expect(pools.map(({ pool, derived }) => [pool, derived.ipc])).toEqual([
    ['valkey-server', 3],
    ['io_thd', undefined],
    ['bio', undefined],
  ]);
  expect(pools[2]?.counters).toEqual([{ event: 'cycles', value: 0, unit: 'count', share: 1 }]);
});

test('the shares of the pipeline are 1 together', () => {
  const lines = ['retiring;30', 'bad-spec;10', 'fe-bound;20', 'be-bound;40'].map((line) => {
    const [name, value] = line.split(';');
    return `valkey-server-10;${value};;topdown-${name};1000;100.00;;`;
  });
  expect(summariseCounts(parseThreadCounts(lines.join('\n')), target, 1_000).derived.topdown).toEqual({
    retiring: 0.3,
    badSpeculation: 0.1,
    frontEndBound: 0.2,
    backEndBound: 0.4,
  });
});
