import { expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import { BenchmarkError } from '../../src/bench/error.ts';
import type { Best, Measure, SearchAnswer, SearchEvent } from '../../src/search/contract.ts';
import { searchMaxQps } from '../../src/search/max-qps.ts';
import { recordOf, required } from './answers.ts';
import { resultOf } from './surfaces.ts';
import { drain } from './trial-run.ts';

// Seeded: the same answers everywhere. All 100 seeds run in surfaces.long.test.ts.
test.each(required)('comes within 0.97 of the true optimum of a noisy surface: %s', async (family) => {
  const record = await recordOf(family, 'both', 12);
  expect(record.right).toBeGreaterThanOrEqual(11 / 12);
  expect(record.medianRuns).toBeLessThanOrEqual(30);
});

test.each(['universal', 'early peak', 'plateau'])('finds it for clients alone: %s', async (family) => {
  const record = await recordOf(family, 'clients', 12);
  expect(record.right).toBeGreaterThanOrEqual(11 / 12);
  expect(record.medianRuns).toBeLessThanOrEqual(16);
});

const clients = { name: 'numClients', min: 1, max: 200 } as const;

/** Rises to 40 clients, then stays: 1000 QPS for each. */
const plain: Measure = (config) =>
  Promise.resolve(resultOf(config, 1000 * Math.min(40, config.numClients), 1 + config.numClients / 20, 0.97));

function bestOf(answer: SearchAnswer): Best {
  if (answer.state !== 'found') throw new Error(`Expected an answer, got ${answer.state}`);
  return answer.best;
}

test('reports fresh runs alone, and tells each trial before and after it', async () => {
  const events: SearchEvent[] = [];
  const search = searchMaxQps(
    { base: new BenchmarkConfig(), parameters: [clients], constraints: {}, budget: { maxRuns: 40 } },
    plain,
  );
  let step = await search.next();
  for (; step.done !== true; step = await search.next()) events.push(step.value);
  const answer = step.value;
  const best = bestOf(answer);
  const { numClients } = best.config;
  expect(numClients).toBeGreaterThanOrEqual(39);
  expect(answer).toMatchObject({ state: 'found', limitedBy: 'saturation' });
  const confirmed = answer.trials.filter(
    ({ purpose, config }) => purpose === 'confirm' && config.numClients === numClients,
  );
  expect(best.runs).toBe(confirmed.length);
  expect(best.runs).toBe(3);
  expect(best.qpsInterval).not.toBeNull();
  expect(events.filter(({ type }) => type === 'plan')).toHaveLength(answer.trials.length);
  expect(events.flatMap((event) => (event.type === 'trial' ? [event.trial.number] : []))).toEqual(
    answer.trials.map((_, i) => i + 1),
  );
});

test('names the limit that holds the answer back', async () => {
  const limited = async (constraints: { maxLatencyP99?: number }, max = 200): Promise<string | null> => {
    const answer = await drain(
      searchMaxQps(
        {
          base: new BenchmarkConfig(),
          parameters: [{ ...clients, max }],
          constraints,
          budget: { maxRuns: 40 },
        },
        plain,
      ),
    );
    return answer.state === 'found' ? answer.limitedBy : answer.state;
  };
  expect(await limited({ maxLatencyP99: 2 })).toBe('p99');
  expect(await limited({}, 20)).toBe('range');
  expect(await limited({ maxLatencyP99: 100 })).toBe('saturation');
  expect(await limited({ maxLatencyP99: 0.5 })).toBe('infeasible');
});

test('retries what looks transient once, and ends after three failures in a row', async () => {
  let calls = 0;
  const flaky: Measure = (config) =>
    ++calls === 2 ? Promise.reject(new BenchmarkError('timeout', 'took too long')) : plain(config);
  const options = {
    base: new BenchmarkConfig(),
    parameters: [clients],
    constraints: {},
    budget: { maxRuns: 40 },
  };
  const healed = await drain(searchMaxQps(options, flaky));
  expect(healed.state).toBe('found');
  expect(healed.trials.filter(({ purpose }) => purpose === 'retry')).toHaveLength(1);

  const broken = await drain(
    searchMaxQps(options, () => Promise.reject(new BenchmarkError('wrong-password', 'no'))),
  );
  expect(broken.state).toBe('failed');
  expect(broken.trials).toHaveLength(3);
});

test('keeps away from where the server fails', async () => {
  const refusing: Measure = (config) =>
    config.numClients > 25
      ? Promise.reject(new BenchmarkError('maxclients', 'max number of clients reached'))
      : plain(config);
  const answer = await drain(
    searchMaxQps(
      { base: new BenchmarkConfig(), parameters: [clients], constraints: {}, budget: { maxRuns: 40 } },
      refusing,
    ),
  );
  expect(bestOf(answer).config.numClients).toBeGreaterThanOrEqual(22);
});

test("turns a server's setting and the clients together", async () => {
  const threads = { name: 'config:io-threads', min: 1, max: 8 } as const;
  // A mutex: the more threads, the slower.
  const measure: Measure = (config) => {
    const count = Number(config.serverConfig['io-threads']);
    return Promise.resolve(
      resultOf(config, (1000 * Math.min(40, config.numClients)) / count ** 0.7, 2, null),
    );
  };
  const answer = await drain(
    searchMaxQps(
      {
        base: new BenchmarkConfig({ operation: 'get' }),
        parameters: [clients, threads],
        constraints: {},
        budget: { maxRuns: 40 },
      },
      measure,
    ),
  );
  expect(bestOf(answer).config.serverConfig['io-threads']).toBe('1');
  expect(bestOf(answer).config.numClients).toBeGreaterThanOrEqual(38);
});

test('tells of a measurement that goes against what is known, and does not follow it', async () => {
  // Recall that falls with ef: an index that loses vectors while it is searched.
  const losing: Measure = (config) => {
    const ef = config.efSearch ?? 10;
    return Promise.resolve(resultOf(config, 1e5 / ef, ef / 20, 0.96 - ef / 2_000));
  };
  const warnings: SearchEvent[] = [];
  const search = searchMaxQps(
    {
      base: new BenchmarkConfig(),
      parameters: [{ name: 'efSearch', min: 10, max: 500 }],
      constraints: { minRecall: 0.95 },
      budget: { maxRuns: 30 },
    },
    losing,
  );
  let step = await search.next();
  for (; step.done !== true; step = await search.next())
    if (step.value.type === 'warning') warnings.push(step.value);
  expect(warnings[0]).toMatchObject({ code: 'against-direction' });
});
