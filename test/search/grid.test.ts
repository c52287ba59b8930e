import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import type { Measure } from '../../src/search/contract.ts';
import { frontierOf } from '../../src/search/frontier.ts';
import { combinationsOf, gridSearch, sweep } from '../../src/search/grid.ts';
import { configWith, parameterOf } from '../../src/search/parameter.ts';
import { resultOf } from './surfaces.ts';
import { drain } from './trial-run.ts';

const base = new BenchmarkConfig();
/** 50 clients are best; p99 follows them. */
const measure: Measure = (config) =>
  Promise.resolve(
    resultOf(
      config,
      1000 - Math.abs(config.numClients - 50),
      config.numClients / 10,
      (config.efSearch ?? 10) / 200,
    ),
  );

test('tries every combination once, then the best three again', async () => {
  const answer = await drain(
    gridSearch(
      {
        base,
        grid: { numClients: [10, 50, 60, 90], efSearch: [50, 180] },
        budget: { maxRuns: 50 },
        constraints: { minRecall: 0.8 },
      },
      measure,
    ),
  );
  expect(answer.trials.map(({ purpose }) => purpose)).toEqual([
    ...Array(8).fill('grid'),
    ...Array(9).fill('confirm'),
  ]);
  expect(answer).toMatchObject({
    state: 'found',
    best: { config: { numClients: 50, efSearch: 180 }, runs: 3 },
  });
  expect(answer.frontier.map(({ config }) => config.numClients)).toContain(50);
});

test('says which constraint no combination holds', async () => {
  const answer = await drain(
    gridSearch(
      { base, grid: { numClients: [10, 50] }, budget: { maxRuns: 50 }, constraints: { maxLatencyP99: 0.5 } },
      measure,
    ),
  );
  expect(answer).toMatchObject({ state: 'infeasible', nearest: { config: { numClients: 50 } } });
  expect(answer.state === 'infeasible' && answer.reason).toContain('p99');
});

test('one point alone tells nothing of what limits it', async () => {
  const of = (numClients: number[]) =>
    drain(gridSearch({ base, grid: { numClients }, budget: { maxRuns: 9 } }, measure));
  expect(await of([50])).toMatchObject({ state: 'found', limitedBy: null });
  expect(await of([40, 50])).toMatchObject({ state: 'found', limitedBy: 'saturation' });
});

test('a parameter that the operation has not is refused, unless the grid turns operations too', () => {
  const get = base.with({ operation: 'get' });
  expect(() => combinationsOf({ base: get, grid: { efSearch: [10, 20] } })).toThrow(
    /ef_search .*get has none/,
  );
  expect(combinationsOf({ base: get, grid: { operation: ['get', 'vec-query'], k: [1, 2] } })).toHaveLength(4);
});

test('a sweep goes through the values in the order given, in rounds', async () => {
  const answer = await drain(
    sweep({ base, name: 'config:io-threads', values: [4, 1], repeats: 2, budget: { maxRuns: 9 } }, measure),
  );
  expect(answer.trials.map(({ config }) => config.serverConfig['io-threads'])).toEqual(['4', '1', '4', '1']);
  expect(answer.state).toBe('found');
});

test('leaves out what the filter refuses, and refuses a grid of nothing', () => {
  const grid = { numClients: [1, 2, 2, 3] };
  expect(combinationsOf({ base, grid })).toHaveLength(3);
  expect(combinationsOf({ base, grid, filter: (config) => config.numClients > 1 })).toHaveLength(2);
  expect(() => combinationsOf({ base, grid, filter: () => false })).toThrow('at least one combination');
});

test('understands both spellings of a parameter, and names the nearest of an unknown one', () => {
  expect(parameterOf('num_clients')).toBe('numClients');
  expect(parameterOf('numClients')).toBe('numClients');
  expect(parameterOf('ef-search')).toBe('efSearch');
  expect(parameterOf('config:search.reader-threads')).toBe('config:search.reader-threads');
  expect(() => parameterOf('num_client')).toThrow('Did you mean "num_clients"?');
  const threads = configWith(configWith(base, 'config:io-threads', 4), 'config:maxmemory', '1gb');
  expect(threads.serverConfig).toEqual({ 'io-threads': '4', maxmemory: '1gb' });
  expect(() => configWith(base, 'numClients', 'many')).toThrow('numClients');
});

test('the frontier holds what nothing beats in recall, QPS and p99 at once', () => {
  const trial = (number: number, ef: number, qps: number, p99: number, recall: number) => {
    const config = base.with({ efSearch: ef });
    const result = resultOf(config, qps, p99, recall);
    return { number, config, purpose: 'grid', tookMs: 1, outcome: { state: 'measured', result } } as const;
  };
  const frontier = frontierOf([
    trial(1, 10, 1000, 1, 0.8),
    trial(2, 20, 900, 2, 0.9),
    trial(3, 30, 800, 3, 0.85),
    trial(4, 10, 1200, 1, 0.8),
  ]);
  expect(frontier.map(({ config, qps, runs }) => [config.efSearch, qps, runs])).toEqual([
    [10, 1100, 2],
    [20, 900, 1],
  ]);
});
