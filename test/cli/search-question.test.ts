import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import type { SearchFlags } from '../../src/cli/search-flags.ts';
import { toConstraints, toParameters } from '../../src/cli/search-question.ts';

type Given = Partial<SearchFlags>;
const flags = (given: Given): SearchFlags => ({ outputDir: '.', maxSpan: 1, ...given });
const base = (given: Given): BenchmarkConfig =>
  new BenchmarkConfig({
    ...(given.operation === undefined ? {} : { operation: given.operation }),
    ...(given.k === undefined ? {} : { k: given.k }),
  });
const parameters = (given: Given) =>
  toParameters(flags(given), base(given)).map(({ name, min, max, step }) =>
    [name, min, max, ...(step === undefined ? [] : [step])].join(' '),
  );

test.each<[Given, string[]]>([
  [{}, ['efSearch 10 500', 'numClients 1 200']],
  [{ k: 100 }, ['efSearch 100 1000', 'numClients 1 200']],
  [{ searchParam: 'both' }, ['efSearch 10 500', 'numClients 1 200']],
  [{ efSearch: 100 }, ['numClients 1 200']],
  [{ numClients: 10 }, ['efSearch 10 500']],
  [{ operation: 'get' }, ['numClients 1 200']],
  [{ searchParam: 'ef_search', minValue: 20, maxValue: 80 }, ['efSearch 20 80']],
  [{ searchParam: 'numClients', maxValue: 50 }, ['numClients 1 50']],
  [{ efSearch: 100, minValue: 5 }, ['numClients 5 200']],
  [{ tune: ['ef_search:10:500:10'] }, ['efSearch 10 500 10']],
  [{ tune: ['config:io-threads:1:8'], numClients: 50 }, ['config:io-threads 1 8']],
  [{ tune: ['config:search.reader-threads:1:16:5'] }, ['config:search.reader-threads 1 16 5']],
  [{ searchParam: 'both', tune: ['num_clients:2:64'], minValue: 30 }, ['efSearch 30 500', 'numClients 2 64']],
])('%j searches %j', (given, expected) => {
  expect(parameters(given)).toEqual(expected);
});

test.each<[Given, string, RegExp]>([
  [{ searchParam: 'clients' }, 'unknown-parameter', /num_clients/],
  [{ tune: ['ef_serch:1:2'] }, 'unknown-parameter', /Did you mean "ef_?[sS]earch"/],
  [{ tune: ['ef_search:10'] }, 'bad-range', /name:min:max/],
  [{ tune: ['ef_search:100:10'] }, 'bad-range', /at most 10, got 100/],
  [{ tune: ['ef_search:1:2', 'efSearch:3:4'] }, 'bad-range', /once/],
  [{ searchParam: 'ef_search', minValue: 100, maxValue: 10 }, 'bad-range', /at most 10, got 100/],
  [{ searchParam: 'both', minValue: 5 }, 'one-parameter', /ef_search and num_clients/],
  [{ maxValue: 5 }, 'one-parameter', /--tune/],
  [{ tune: ['ef_search:1:2'], minValue: 5 }, 'one-parameter', /none/],
  [{ searchParam: 'both', operation: 'get' }, 'no-recall', /ef_search/],
  [{ searchParam: 'ef_search', operation: 'get' }, 'without-effect', /ef_search .*vec-query only: get/],
  [{ tune: ['num_clients:1:9', 'k:1:9'], operation: 'vec-load' }, 'without-effect', /^Expected k /],
  [{ searchParam: 'pipeline' }, 'bad-range', /--tune pipeline:min:max/],
  [{ efSearch: 1, numClients: 1 }, 'nothing-to-search', /stagewatch bench/],
  [{ operation: 'get', numClients: 1 }, 'nothing-to-search', /stagewatch bench/],
  [{ searchParam: 'ef_search', efSearch: 100 }, 'fixed-parameter', /--ef-search/],
])('%j is wrong use: %s', (given, code, message) => {
  expect(() => parameters(given)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});

test('a recall is wanted by default where there is one, and refused where there is none', () => {
  const of = (given: Given) => toConstraints(flags(given), base(given), 0.95);
  expect(of({})).toEqual({ minRecall: 0.95 });
  expect(of({ targetRecall: 0.8, maxP99Latency: 10 })).toEqual({ minRecall: 0.8, maxLatencyP99: 10 });
  expect(of({ operation: 'get', maxP99Latency: 2 })).toEqual({ maxLatencyP99: 2 });
  expect(() => of({ operation: 'get', targetRecall: 0.8 })).toThrow(/get has no recall/);
});
