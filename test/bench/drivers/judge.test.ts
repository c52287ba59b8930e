import { expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import { judgeErrors } from '../../../src/bench/drivers/judge/errors.ts';
import { judgeFigures } from '../../../src/bench/drivers/judge/figures.ts';
import { judgeRate } from '../../../src/bench/drivers/judge/rate.ts';
import { judgeRequests } from '../../../src/bench/drivers/judge/requests.ts';
import { silent, type Reading } from '../../../src/bench/drivers/reading.ts';
import { noRefusals } from '../../../src/bench/drivers/server-watch.ts';

const reading = (changes: Partial<Reading> = {}): Reading => ({
  ...{ ...silent, name: 'GET', qps: 1000, requests: 10_000 },
  ...{ latencyAvg: 0.2, latencyP50: 0.1, latencyP95: 0.3, latencyP99: 0.5, latencyMax: 2 },
  ...changes,
});
const config = (settings: BenchmarkSettings = {}) => new BenchmarkConfig({ operation: 'get', ...settings });
const code = (of: () => unknown): string | undefined => {
  try {
    of();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test.each([
  [{}, undefined],
  [{ latencyP50: 0.305, latencyP95: 0.3 }, undefined],
  [{ qps: Infinity }, 'too-short'],
  [{ qps: 0 }, 'nothing-answered'],
  [{ qps: NaN }, 'impossible-figures'],
  [{ qps: -1 }, 'impossible-figures'],
  [{ latencyP99: NaN }, 'impossible-figures'],
  [{ latencyP95: 0.6 }, 'impossible-figures'],
  [{ latencyMax: 0.4 }, 'impossible-figures'],
])('figures %o: %s', (changes, verdict) => {
  expect(code(() => judgeFigures(reading(changes), 'x'))).toBe(verdict);
});

test('requests: fewer than asked for, unless time or the dataset ends the run', () => {
  const judge = (settings: BenchmarkSettings) => code(() => judgeRequests(reading(), config(settings)));
  expect(judge({ numRequests: 10_000 })).toBeUndefined();
  expect(judge({ numRequests: 10_001 })).toBe('too-few-requests');
  expect(judge({ numRequests: 10_001, durationMs: 1000 })).toBeUndefined();
  expect(judge({ numRequests: 10_001, operation: 'vec-load' })).toBeUndefined();
});

test.each([
  [undefined, []],
  [950, []],
  [1050, []],
  [500, ['rate-exceeded']],
  [2000, ['rate-not-reached']],
])('a rate of %s where 1000 requests a second were made: %o', (rps, codes) => {
  const asked = config(rps === undefined ? {} : { rps });
  expect(judgeRate(reading(), asked, 'x').map((warning) => warning.code)).toEqual(codes);
});

test('errors of the program and of the server; other commands and ways to other nodes are none', () => {
  const allowed = config({ allowErrors: true, operation: 'get:0.5,set:0.5' });
  const judge = (kinds: Record<string, number>, commands: Record<string, number>, own: Reading = reading()) =>
    judgeErrors(own, allowed, {
      kinds: new Map(Object.entries(kinds)),
      commands: new Map(Object.entries(commands)),
    });
  expect(judge({ ERR: 30 }, { 'ft.info': 30 })).toEqual([]);
  expect(judge({ MOVED: 30, ASK: 2 }, { set: 32 })).toEqual([]);
  expect(judge({ ERR: 900, OOM: 40, MOVED: 5 }, { set: 45 })).toEqual([{ kind: 'OOM', count: 40 }]);
  expect(judge({ OOM: 10 }, { set: 10, get: 5 })).toEqual([
    { kind: 'OOM', count: 10 },
    { kind: 'unknown', count: 5 },
  ]);
  const counted = reading({ errors: [{ kind: 'unknown', count: 3 }] });
  expect(judge({}, {}, counted)).toEqual([{ kind: 'unknown', count: 3 }]);
  expect(code(() => judgeErrors(counted, config(), noRefusals))).toBe('error-replies');
  expect(code(() => judge({ OOM: 10_000 }, { set: 10_000 }))).toBe('error-replies');
});
