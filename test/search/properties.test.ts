import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import { BenchmarkError } from '../../src/bench/error.ts';
import type { Measure, SearchAnswer, SearchOptions } from '../../src/search/contract.ts';
import { keeps } from '../../src/search/limits.ts';
import { searchMaxQps } from '../../src/search/max-qps.ts';
import { valueOf } from '../../src/search/parameter.ts';
import { replay } from '../../src/search/replay.ts';
import { resultOf } from './surfaces.ts';
import { drain } from './trial-run.ts';

const parameter = (name: 'numClients' | 'efSearch' | 'config:io-threads') =>
  fc
    .record({
      name: fc.constant(name),
      min: fc.integer({ min: 1, max: 20 }),
      span: fc.integer({ min: 0, max: 60 }),
      step: fc.integer({ min: 1, max: 7 }),
    })
    .map(({ span, ...rest }) => ({ ...rest, max: rest.min + span }));

const options: fc.Arbitrary<SearchOptions> = fc
  .record({
    parameters: fc
      .subarray(['numClients', 'efSearch', 'config:io-threads'] as const, { minLength: 1, maxLength: 2 })
      .chain((names) => fc.tuple(...names.map(parameter))),
    constraints: fc.record(
      { minRecall: fc.constantFrom(0, 0.5, 0.95, 1), maxLatencyP99: fc.constantFrom(0.1, 5, 50) },
      { requiredKeys: [] },
    ),
    maxRuns: fc.integer({ min: 1, max: 25 }),
    repeats: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ maxRuns, ...rest }) => ({ ...rest, base: new BenchmarkConfig(), budget: { maxRuns } }));

/** What a benchmark might say, sense or not: any figures, in any order, and failures. */
const outcomes = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        qps: fc.constantFrom(0, 1, 1000, 1001, 5e6),
        p99: fc.constantFrom(0, 1, 5, 49.9, 1e4),
        recall: fc.constantFrom(null, 0, 0.5, 0.9499, 0.95, 1),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom('timeout', 'oom') },
  ),
  { minLength: 1, maxLength: 12 },
);

function hostile(said: typeof outcomes extends fc.Arbitrary<infer T> ? T : never): {
  measure: Measure;
  calls: () => number;
} {
  let calls = 0;
  const measure: Measure = (config) => {
    const outcome = said[calls++ % said.length]!;
    if (typeof outcome === 'string') return Promise.reject(new BenchmarkError(outcome, outcome));
    return Promise.resolve(resultOf(config, outcome.qps, outcome.p99, outcome.recall));
  };
  return { measure, calls: () => calls };
}

function check(answer: SearchAnswer, given: SearchOptions): void {
  expect(answer.trials.length).toBeLessThanOrEqual(given.budget.maxRuns);
  for (const { config } of answer.trials)
    for (const { name, min, max, step = 1 } of given.parameters) {
      const value = Number(valueOf(config, name));
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(max);
      expect((value - min) % step).toBe(0);
    }
  const sound =
    answer.state !== 'found' ||
    (keeps(answer.best.result, given.constraints) && answer.best.runs >= (given.repeats ?? 3));
  expect(sound).toBe(true);
}

test('whatever the benchmark says: budget, ranges and steps are kept, and the answer holds what was asked', async () => {
  await fc.assert(
    fc.asyncProperty(options, outcomes, async (given, said) => {
      const { measure, calls } = hostile(said);
      const answer = await drain(searchMaxQps(given, measure));
      expect(answer.trials).toHaveLength(calls());
      check(answer, given);
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('a replay of all trials gives the same answer and measures nothing; of some, it measures the rest', async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      outcomes,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (given, said, share) => {
        const first = hostile(said);
        const answer = await drain(searchMaxQps(given, first.measure));
        const never: Measure = () => Promise.reject(new Error('measured again'));
        expect(await drain(searchMaxQps(given, replay(answer.trials, never)))).toEqual(answer);

        // Broken off half way: what is measured then follows on what was.
        const kept = answer.trials.slice(0, Math.floor(share * answer.trials.length));
        const rest = hostile(said);
        for (const _ of kept) await rest.measure(given.base).catch(() => null);
        const resumed = await drain(searchMaxQps(given, replay(kept, rest.measure)));
        expect(resumed.trials.map(({ config }) => config)).toEqual(answer.trials.map(({ config }) => config));
        expect(resumed.state).toBe(answer.state);
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);

test('an abort ends the search wherever it comes, with the trials so far', async () => {
  await fc.assert(
    fc.asyncProperty(options, outcomes, fc.integer({ min: 0, max: 20 }), async (given, said, after) => {
      const stop = new AbortController();
      const { measure, calls } = hostile(said);
      const stopping: Measure = async (config) => {
        if (calls() === after) stop.abort();
        return measure(config);
      };
      const answer = await drain(searchMaxQps({ ...given, signal: stop.signal }, stopping));
      expect(answer.trials.length).toBeLessThanOrEqual(
        stop.signal.aborted ? after + 1 : given.budget.maxRuns,
      );
      check(answer, given);
    }),
    { numRuns: 40 },
  );
}, 120_000);

test('a budget of time is spent by the trials that are on record, whatever the clock says', async () => {
  const base = new BenchmarkConfig();
  const given: SearchOptions = {
    base,
    parameters: [{ name: 'numClients', min: 1, max: 200 }],
    constraints: {},
    budget: { maxRuns: 50 },
  };
  const plain: Measure = (config) => Promise.resolve(resultOf(config, config.numClients, 1, null));
  const recorded: Measure = Object.assign(plain, { tookMs: () => 60_000 });
  const answer = await drain(
    searchMaxQps({ ...given, budget: { maxRuns: 50, maxTimeMs: 200_000 } }, recorded),
  );
  expect(answer.trials).toHaveLength(3);
  expect(answer.state).toBe('undecided');
});
