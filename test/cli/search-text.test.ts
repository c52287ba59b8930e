import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import type { Driver } from '../../src/bench/driver.ts';
import { BenchmarkError } from '../../src/bench/error.ts';
import { BenchmarkResult } from '../../src/bench/result.ts';
import { answerText, pointTable, runText } from '../../src/cli/search-text.ts';
import { shellLine } from '../../src/cli/words.ts';
import type { Best, SearchAnswer, Trial } from '../../src/search/contract.ts';
import { frontierOf } from '../../src/search/frontier.ts';

const driver: Driver = {
  name: 'builtin',
  version: 'test 1',
  supports: () => true,
  commandLine: ({ numClients, efSearch }) => [
    'stagewatch',
    'load',
    '-c',
    `${numClients}`,
    '--ef-search',
    `${efSearch}`,
  ],
  run: () => Promise.reject(new Error('not run here')),
};

const resultOf = (efSearch: number, qps: number, recallAvg: number): BenchmarkResult => {
  const config = new BenchmarkConfig({ efSearch, numClients: 20, serverConfig: { hz: '20' } });
  const latency = { latencyAvg: 1, latencyP50: 1, latencyP95: 2, latencyP99: efSearch / 10, latencyMax: 20 };
  const recall = { recallAvg, recallMin: 0.5, recallMax: 1, baselineLatencyAvg: 0.1 };
  const warning = { code: 'doubt', message: 'escaped \u001b[31m' };
  const about = { errors: [], requests: 1, durationMs: 1, timestamp: 1, warnings: [warning, warning] };
  return new BenchmarkResult({
    ...latency,
    ...recall,
    ...about,
    qps,
    config,
    driver: 'builtin',
    loop: 'closed',
  });
};

const trials = [resultOf(50, 15_000, 0.9), resultOf(100, 12_345.6, 0.97), resultOf(101, 12_000, 0.969)].map(
  (result, i): Trial => ({
    number: i + 1,
    config: result.config,
    purpose: 'ef',
    outcome: { state: 'measured', result },
    tookMs: 1,
  }),
);
const result = resultOf(100, 12_345.6, 0.97);
const best: Best = { config: result.config, result, runs: 3, qpsInterval: [12_000, 12_700] };
const searched = { trials, frontier: frontierOf(trials) };
const asked = { constraints: { minRecall: 0.95, maxLatencyP99: 10 }, tuned: ['efSearch'] as const, driver };
const text = (answer: SearchAnswer): string => answerText(answer, asked);

test('an answer is said in words, with its interval, its limit, the frontier and how to run it again', () => {
  expect(text({ state: 'found', best, limitedBy: 'recall', ...searched })).toBe(
    [
      'Found the highest QPS with recall >= 0.95 and p99 <= 10 ms: 12,346 req/s',
      '  at        ef_search=100',
      '  QPS       12,346, 12,000 to 12,700 (95 % interval), 3 runs',
      '  latency   avg 1.000  p50 1.000  p95 2.000  p99 10.000  max 20.000 ms',
      '  recall    avg 0.9700  min 0.5000  max 1.0000',
      String.raw`  warning   escaped \u001b[31m`,
      '  limit     recall: what is faster finds too little',
      '',
      'No other point beats these in QPS, p99 and recall at once:',
      'ef_search     QPS  p99 ms  recall  runs',
      '50         15,000   5.000  0.9000     1',
      '100        12,346  10.000  0.9700     1',
      '',
      'Again     (after CONFIG SET hz 20) stagewatch load -c 20 --ef-search 100',
      '',
    ].join('\n'),
  );
});

test('without an answer the reason and the nearest point are said', () => {
  const infeasible = text({
    state: 'infeasible',
    reason: 'recall is 0.9 at most',
    nearest: best,
    ...searched,
  });
  expect(infeasible).toMatch(
    /^Infeasible: the highest QPS[^\n]*\n  why       recall is 0\.9 at most\n  nearest   ef_search=100: 12,346 req\/s/,
  );
  expect(infeasible).not.toContain('Again');
  expect(text({ state: 'undecided', reason: 'noise', nearest: null, ...searched })).toMatch(
    /^Undecided: .*\n  why       noise\n\n/,
  );
  const error = new BenchmarkError('timeout', 'It hung', { lastLines: ['half a\u0007 line'] });
  expect(text({ state: 'failed', error, trials: [], frontier: [] })).toBe(
    'Failed: It hung\n  | half a\\u0007 line\n',
  );
});

test('a single run is shown as scripts of the older framework read it', () => {
  expect(runText({ ...best, runs: 1, qpsInterval: null }, driver)).toMatch(
    /^QPS: 12345\.6\nLatency: avg=1\.000ms, .*\nRecall: avg=97\.00%, .*\nBaseline: /,
  );
});

test('a table of points has every point once', () => {
  expect(
    pointTable([...trials, trials[0]!], ['efSearch'])
      .split('\n')
      .map((line) => line.trim().split(/\s+/).at(-1)),
  ).toEqual(['runs', '2', '1', '1']);
});

test('a command is quoted so that a shell reads it back', () => {
  expect(shellLine(['a', "it's", 'two words', '$HOME', '-x=1', ''])).toBe(
    String.raw`a 'it'\''s' 'two words' '$HOME' -x=1 ''`,
  );
});
