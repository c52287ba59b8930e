import { expect, test } from 'vitest';
import { join } from 'node:path';
import { readSeries } from '../../src/report/series.ts';
import { sessionFolder } from './folder.ts';

const all = (): boolean => true;

async function seriesOf(lines: readonly string[], wanted = all): ReturnType<typeof readSeries> {
  await using session = await sessionFolder([], { 'metrics.ndjson': lines.join('\n') });
  return await readSeries(join(session.folder, 'metrics.ndjson'), 1e9, wanted);
}

test('figures are put on the axis by their path, and a sample without one leaves a gap', async () => {
  const groups = await seriesOf([
    JSON.stringify({ monoNs: 2e9, hook: 'h', target: 't', cpu: { user: 1 }, text: 'x', intervalMs: 250 }),
    JSON.stringify({ monoNs: 3e9, hook: 'h', target: 't', cpu: { system: 5 } }),
    'not a sample',
    '{"monoNs": 4e9, "hook": "h"',
  ]);
  expect(groups).toEqual([
    {
      hook: 'h',
      target: 't',
      timesMs: [1000, 2000],
      values: { 'cpu.user': [1, null], 'cpu.system': [null, 5] },
      samples: 2,
    },
  ]);
});

test('a long series is thinned to means, and tells how many samples it had', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) =>
    JSON.stringify({ monoNs: 1e9 + i * 1e6, hook: 'h', target: 't', value: i }),
  );
  const [group] = await seriesOf(lines);
  expect(group!.samples).toBe(20_000);
  expect(group!.timesMs.length).toBeLessThanOrEqual(8_000);
  expect(group!.timesMs.length).toBeGreaterThanOrEqual(4_000);
  expect(group!.timesMs).toEqual(group!.timesMs.toSorted((a, b) => a - b));
  // Every point is the mean of neighbours: the figure is its own index here.
  for (const [i, value] of group!.values['value']!.entries())
    expect(value).toBeCloseTo(group!.timesMs[i]!, 6);
});

test('only what is wanted is kept, and no file is no series', async () => {
  const line = JSON.stringify({ monoNs: 2e9, hook: 'h', target: 't', a: 1, b: 2 });
  expect((await seriesOf([line], ((name: string) => name === 'b') as never))[0]!.values).toEqual({ b: [2] });
  expect(await readSeries('/nonexistent/metrics.ndjson', 0, all)).toEqual([]);
});
