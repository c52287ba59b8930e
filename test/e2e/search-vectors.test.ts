import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { search, type AnswerJson } from './search-support.ts';
import { runCli, TestFolder } from './support.ts';

needs('redis-server');

const TEST_MS = 120_000;

/** Recall rises with ef, in small steps, on both: the truth is found by trying every ef of the range. */
const RANGE = { min: 10, max: 34, step: 4 } as const;
const TARGET = 0.9;

let folder: TestFolder;
let dataset: string;
beforeAll(async () => {
  folder = new TestFolder();
  dataset = join(folder.path, 'small');
  const made = await runCli([
    ...['dataset', 'make', '--count', '2000', '--dim', '32', '--metric', 'cosine', '--spread', '2'],
    ...['--queries', '200', '--output', dataset],
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
});
afterAll(() => folder[Symbol.dispose]());

interface VectorServer extends AsyncDisposable {
  readonly port: number;
}

const servers: [string, () => Promise<VectorServer>][] = [
  ['the vector sets of Redis 8', () => startServer({ program: 'redis-server' })],
  ['the engine', () => startEngine()],
];

test.each(servers)(
  'on %s a full sweep confirms the smallest ef, alone and with clients',
  async (_, start) => {
    await using server = await start();
    const at = ['--dataset', dataset, '-p', String(server.port), '--output-dir', folder.path];
    const loaded = await runCli(['load', '-t', 'vec-load', '--dataset', dataset, '-p', String(server.port)]);
    expect(loaded.code, loaded.stderr).toBe(0);
    const run = [...at, '--driver', 'builtin', '-n', '200', '--num-threads', '1'];

    const values = Array.from(
      { length: (RANGE.max - RANGE.min) / RANGE.step + 1 },
      (_, i) => RANGE.min + i * RANGE.step,
    );
    const sweep = await search([
      ...[
        'grid-search',
        ...run,
        '-c',
        '2',
        '--grid',
        `ef_search=${values.join(',')}`,
        '--confirmations',
        '0',
      ],
    ]);
    const recalls = new Map(
      sweep.trials.map(({ config, result }) => [config['efSearch'], result.recallAvg!]),
    );
    const smallest = values.find((ef) => recalls.get(ef)! >= TARGET)!;
    // A recall that hardly differs from the target may be stepped back from.
    const clear = values.find((ef) => recalls.get(ef)! >= TARGET + 0.005)!;
    expect([recalls.get(RANGE.min)! < TARGET, clear]).toEqual([true, expect.any(Number)]);

    const limits = ['--target-recall', String(TARGET), '--repeats', '1'];
    const ef = `ef_search:${RANGE.min}:${RANGE.max}:${RANGE.step}`;
    const one = await search([
      'max-qps-recall',
      ...run,
      ...limits,
      '-c',
      '2',
      '--tune',
      ef,
      '--max-runs',
      '20',
    ]);
    expectConfirmed(one, smallest, clear, recalls);

    const both = [
      '--tune',
      ef,
      '--tune',
      'num_clients:1:12',
      '--max-p99-latency',
      '5000',
      '--max-runs',
      '30',
    ];
    expectConfirmed(await search(['max-qps-recall', ...run, ...limits, ...both]), smallest, clear, recalls);
  },
  TEST_MS,
);

function expectConfirmed(
  { best, trials }: AnswerJson,
  smallest: number,
  clear: number,
  recalls: ReadonlyMap<unknown, number>,
): void {
  const found = Number(best!.config['efSearch']);
  expect(best!.result.recallAvg).toBeGreaterThanOrEqual(TARGET);
  expect(best!.result.recallAvg).toBeCloseTo(recalls.get(found)!, 5);
  expect(found).toBeGreaterThanOrEqual(smallest);
  expect(found).toBeLessThanOrEqual(clear);
  // It has seen less than a sweep.
  expect(new Set(trials.map(({ config }) => config['efSearch'])).size).toBeLessThan(recalls.size);
}
