import { expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../src/bench/config.ts';
import { namesOfRun, stageOfTrial } from '../../src/experiment/stage-of-trial.ts';
import type { ParameterName } from '../../src/search/contract.ts';
import { formatStart } from '../../src/stage/emitter.ts';
import { stageLabel } from '../../src/stage/stage.ts';

const label = (settings: BenchmarkSettings, tuned: readonly ParameterName[]): string =>
  stageLabel(stageOfTrial(new BenchmarkConfig(settings), tuned));

test.each<[string, BenchmarkSettings, ParameterName[]]>([
  ['vec-query:ef_100', { efSearch: 100 }, ['efSearch']],
  ['vec-query:ef_100_clients_20', { efSearch: 100, numClients: 20 }, ['numClients', 'efSearch']],
  ['get', { operation: 'GET' }, []],
  ['get:clients_20', { operation: 'get', numClients: 20 }, ['numClients']],
  [
    'get:threads_2_data_size_64',
    { operation: 'get', numThreads: 2, dataSize: 64 },
    ['numThreads', 'dataSize'],
  ],
  ['get+set:clients_10', { operation: 'get:0.8, set:0.2' }, ['numClients']],
  [
    'get:config_io-threads_4',
    { operation: 'get', serverConfig: { 'io-threads': '4' } },
    ['config:io-threads'],
  ],
  ['get:config_save_3600-1', { operation: 'get', serverConfig: { save: '3600 1' } }, ['config:save']],
  ['get:config_io-threads_default', { operation: 'get' }, ['config:io-threads']],
  ['get', { operation: 'get' }, []],
])('%s', (expected, settings, tuned) => {
  expect(label(settings, tuned)).toBe(expected);
  // A follower reads it as it is meant.
  expect(formatStart(stageOfTrial(new BenchmarkConfig(settings), tuned))).toBe(`[STAGE:START] ${expected}`);
});

test('a single run is told by its ef, and without one by its clients', () => {
  expect(namesOfRun(new BenchmarkConfig({ efSearch: 5 }))).toEqual(['efSearch']);
  expect(namesOfRun(new BenchmarkConfig())).toEqual(['numClients']);
});
