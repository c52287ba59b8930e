import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { perfMapOf } from '../../src/engine/perf-map.ts';
import { PerfMapKeeper } from '../../src/engine/perf-map-keeper.ts';
import { startEngine } from '../../src/engine/start.ts';
import { runLoad } from '../../src/load/load.ts';
import { commandOf } from '../../src/load/operations.ts';
import { DEFAULTS } from '../../src/load/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-map-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

function entriesOf(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const [, start, size, name] = /^([\da-f]+) ([\da-f]+) (.*)$/.exec(line) ?? [];
    if (start === undefined || size === undefined || name === undefined || /^0+$/.test(start)) return [];
    const from = Number.parseInt(start, 16);
    return [{ start: from, end: from + Number.parseInt(size, 16), name }];
  });
}

test('a line that a later one overlaps goes to address 0, and no byte moves', () => {
  const path = join(folder, 'perf.map');
  writeFileSync(path, '7f0000001000 100 dead\n7f0000001100 100 beside\n7f0000000f00 2100 large\n7f00');
  using keeper = new PerfMapKeeper(path);
  keeper.tidy();
  expect(readFileSync(path, 'utf8')).toBe(
    '000000000000 100 dead\n000000000000 100 beside\n7f0000000f00 2100 large\n7f00',
  );
  appendFileSync(path, '00003000 10 after it\n7f0000002fff 1 in its last byte\n');
  keeper.tidy();
  expect(readFileSync(path, 'utf8')).toBe(
    '000000000000 100 dead\n000000000000 100 beside\n000000000000 2100 large\n7f0000003000 10 after it\n7f0000002fff 1 in its last byte\n',
  );
});

test('the map of a busy engine has one name for each address', async () => {
  await using engine = await startEngine();
  const server = { host: '127.0.0.1', port: engine.port, database: 0 };
  for (const name of ['set', 'hset', 'zadd', 'get', 'lpush', 'spop'])
    await runLoad({
      ...DEFAULTS,
      server,
      cluster: false,
      length: { requests: 20_000 },
      work: {
        kind: 'commands',
        name,
        commands: [commandOf(name, 1, { cluster: false, isRandom: false })],
      },
    });
  const twice = (): string[] => {
    const entries = entriesOf(readFileSync(perfMapOf(engine.pid), 'utf8')).toSorted(
      (a, b) => a.start - b.start,
    );
    expect(entries.length).toBeGreaterThan(1000);
    return entries.flatMap(({ start, name }, i) =>
      i > 0 && start < entries[i - 1]!.end ? [`${entries[i - 1]!.name} and ${name}`] : [],
    );
  };
  // V8 may make code at any time, and it is looked at twice a second.
  await expect.poll(twice, { timeout: 10_000, interval: 200 }).toEqual([]);
  expect(readFileSync(perfMapOf(engine.pid), 'utf8')).toMatch(/^0+ /m);
});
