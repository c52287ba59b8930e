import { expect, test } from 'vitest';
import { MarkerScanner } from '../../src/stage/scanner.ts';
import { StageTable } from '../../src/stage/table.ts';
import { SpanTracker } from '../../src/stage/tracker.ts';

function tableOf(log: string): StageTable {
  const tracker = new SpanTracker({ isWatched: () => true });
  const table = new StageTable();
  const markers = new MarkerScanner().scan(Buffer.from(log));
  for (const event of tracker.accept('log', { markers, atNs: 0n, history: true }, 0)) table.add(event);
  for (const event of tracker.finish('log', 1n)) table.add(event);
  return table;
}

test('a finished log gives a row per stage, over the durations that it names', () => {
  const table = tableOf(`
[STAGE:START] vec-load
[STAGE:END] vec-load duration=2.000s
[STAGE:START] vec-query:ef_10
[STAGE:END] vec-query:ef_10 duration=1.000s
[STAGE:START] vec-query:ef_10
[STAGE:END] vec-query:ef_10 duration=3.000s
[STAGE:START] vec-query:ef_10
[STAGE:END] vec-query:ef_10
[STAGE:END] never-started duration=9.000s
[STAGE:START] __proto__
`);
  expect(table.orphanEnds).toBe(1);
  expect(table.rows()).toEqual([
    {
      stage: { name: 'vec-load' },
      spans: 1,
      unfinished: 0,
      durations: { count: 1, totalMs: 2000, minMs: 2000, meanMs: 2000, maxMs: 2000 },
    },
    {
      stage: { name: 'vec-query', tag: 'ef_10' },
      spans: 3,
      unfinished: 0,
      durations: { count: 2, totalMs: 4000, minMs: 1000, meanMs: 2000, maxMs: 3000 },
    },
    { stage: { name: '__proto__' }, spans: 1, unfinished: 1 },
  ]);
});
