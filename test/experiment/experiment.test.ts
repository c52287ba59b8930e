import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import type { Driver } from '../../src/bench/driver.ts';
import { BenchmarkError } from '../../src/bench/error.ts';
import { BenchmarkResult } from '../../src/bench/result.ts';
import { UsageError } from '../../src/error.ts';
import {
  runExperiment,
  type ExperimentEnd,
  type ExperimentOptions,
} from '../../src/experiment/experiment.ts';
import type { Preparation } from '../../src/experiment/preparation.ts';
import { trialsOf } from '../../src/experiment/trial-data.ts';
import { gridSearch } from '../../src/search/grid.ts';
import type { JournalLine } from '../../src/session/events.ts';
import { readReport } from '../../src/report/read-report.ts';
import { readSession } from '../../src/session/read.ts';
import { Secret } from '../../src/valkey/credentials.ts';

let folder: string;
/** What preparations and runs did, in order. */
let done: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-experiment-'));
  done = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const base = new BenchmarkConfig({
  operation: 'get',
  auth: new Secret('hunter2'),
  extraArgs: ['--requirepass', 'hunter2'],
});

/** @param run in the course of its load. @param check before that. */
const driver = (
  run: (config: BenchmarkConfig) => void = () => {},
  check: (config: BenchmarkConfig) => void = () => {},
): Driver => ({
  name: 'builtin',
  version: 'test 1',
  supports: () => true,
  commandLine: ({ numClients }) => ['bench', '-c', String(numClients)],
  run: async (config, _signal, observer) => {
    check(config);
    await observer?.begin?.();
    done.push(`run ${config.numClients}`);
    run(config);
    await observer?.end?.();
    const latency = { latencyAvg: 1, latencyP50: 1, latencyP95: 1, latencyP99: 1, latencyMax: 1 };
    const recall = { recallAvg: null, recallMin: null, recallMax: null, baselineLatencyAvg: null };
    const about = { errors: [], requests: 1, durationMs: 1, timestamp: 1, warnings: [] };
    return new BenchmarkResult({
      ...{ ...latency, ...recall, ...about, driver: 'builtin', loop: 'closed' },
      qps: 100 * config.numClients,
      config,
    });
  },
});

const preparation = (
  name: string,
  traps: { before?: (config: BenchmarkConfig) => void; putBack?: () => void } = {},
): Preparation => ({
  before: async (config) => {
    done.push(`${name} ${config.numClients}`);
    traps.before?.(config);
  },
  [Symbol.asyncDispose]: async () => {
    done.push(`${name} back`);
    traps.putBack?.();
  },
});

const follow = (stop: AbortSignal) => ({
  ...{ watch: [], skip: [], hooks: [], hooksAsked: false, needsTarget: false, allTargets: false },
  ...{ outputDir: folder, label: 'experiment', maxSpanMs: 60_000, about: {} },
  target: { by: 'name' as const },
  stop,
  hurry: new AbortController().signal,
});

async function run(
  options: Partial<ExperimentOptions> & { values?: number[] } = {},
  stop = new AbortController().signal,
): Promise<ExperimentEnd & { events: readonly JournalLine[] }> {
  const grid = {
    base,
    grid: { numClients: options.values ?? [1, 2] },
    confirmations: 0,
    budget: { maxRuns: 9 },
  };
  const end = await runExperiment(
    {
      ...{ driver: driver(), tuned: ['numClients'], preparations: [], past: [] },
      search: (measure, signal) => gridSearch({ ...grid, signal }, measure),
      ...options,
    },
    follow(stop),
    { onEvent: () => {}, onStep: () => {} },
  );
  return { ...end, events: (await readSession(end.summary.folder)).events };
}

const trialsIn = (events: readonly JournalLine[]): string[] =>
  events.flatMap((event) => {
    if (event.type !== 'trial') return [];
    const code = event.state === 'failed' ? ` ${event.code}` : '';
    return [`${event.trial} ${event.state}${code}${event.state === 'started' && event.past ? ' past' : ''}`];
  });

test('every trial runs on a server that was made ready for it, and all is put back, the last first', async () => {
  const preparations = ['a', 'b'].map((name) => () => Promise.resolve(preparation(name)));
  const { answer, events } = await run({ preparations });
  expect(answer).toMatchObject({ state: 'found', best: { result: { qps: 200 } } });
  expect(done).toEqual(['a 1', 'b 1', 'run 1', 'a 2', 'b 2', 'run 2', 'b back', 'a back']);
  expect(trialsIn(events)).toEqual(['1 started', '1 measured', '2 started', '2 measured']);
});

test('a server that cannot be made ready is a failed trial, and no stage', async () => {
  const before = ({ numClients }: BenchmarkConfig): void => {
    if (numClients === 1) throw new BenchmarkError('setting-not-kept', 'no');
  };
  const { answer, events } = await run({
    preparations: [() => Promise.resolve(preparation('a', { before }))],
  });
  expect(answer).toMatchObject({ state: 'found', best: { config: { numClients: 2 } } });
  expect(trialsIn(events)).toEqual(['1 started', '1 failed setting-not-kept', '2 started', '2 measured']);
  expect(events.filter(({ type }) => type === 'span-start').length).toBe(1);
});

test('a run that fails before its load is a failed trial, and no stage; its session is gone on with', async () => {
  const check = ({ numClients }: BenchmarkConfig): void => {
    if (numClients === 1) throw new BenchmarkError('empty-index', 'no vectors');
  };
  const checking = driver(() => {}, check);
  const { answer, events, summary } = await run({ driver: checking, values: [1, 2] });
  expect(answer).toMatchObject({ state: 'found', best: { config: { numClients: 2 } } });
  expect(trialsIn(events)).toEqual(['1 started', '1 failed empty-index', '2 started', '2 measured']);
  expect(events.flatMap((event) => (event.type === 'span-start' ? [event.stage] : []))).toEqual([
    'get:clients_2',
  ]);
  const rows = readFileSync(join(summary.folder, 'results.csv'), 'utf8').trimEnd().split('\n').slice(1);
  expect(rows).toEqual([
    expect.stringContaining('get:clients_1,failed,empty-index'),
    expect.stringContaining('get:clients_2,measured'),
  ]);
  const { trials } = await readReport(summary.folder);
  expect(trials.map(({ state, span }) => [state, span])).toEqual([
    ['failed', undefined],
    ['measured', 1],
  ]);
  done = [];
  await run({ driver: checking, past: trialsOf(events, base), values: [1, 2, 3] });
  expect(done).toEqual(['run 3']);
});

test('a load that fails ends its stage', async () => {
  const failing = driver(() => {
    throw new BenchmarkError('benchmark-failed', 'no');
  });
  const { events } = await run({ driver: failing, values: [1] });
  const spans = events.flatMap(({ type }) => (type.startsWith('span-') || type === 'trial' ? [type] : []));
  expect(spans).toEqual(['trial', 'span-start', 'span-end', 'trial']);
});

test('what cannot be put back is told and counts, and the rest is put back all the same', async () => {
  const putBack = (): void => {
    throw new BenchmarkError('not-restored', 'io-threads is 4, not 1');
  };
  const preparations = [
    () => Promise.resolve(preparation('a')),
    () => Promise.resolve(preparation('b', { putBack })),
  ];
  const { summary } = await run({ preparations });
  expect(done.slice(-2)).toEqual(['b back', 'a back']);
  expect(summary.failures).toMatchObject([{ message: 'io-threads is 4, not 1' }]);
});

test('a slip of the user ends it, after the server was put back', async () => {
  const slip = driver(() => {
    throw new UsageError('bad', 'Expected another flag');
  });
  const running = run({ driver: slip, preparations: [() => Promise.resolve(preparation('a'))] });
  await expect(running).rejects.toThrow('Expected another flag');
  expect(done).toEqual(['a 1', 'run 1', 'a back']);
});

test('stopped in mid-run it keeps what it has, and the trial that was cut short is no result', async () => {
  const stop = new AbortController();
  const cut = driver(({ numClients }) => {
    if (numClients < 2) return;
    stop.abort();
    throw new BenchmarkError('aborted', 'ended');
  });
  const { answer, events, summary } = await run({ driver: cut, values: [1, 2, 3] }, stop.signal);
  expect(answer).toMatchObject({ state: 'undecided', trials: [{ number: 1 }] });
  expect(trialsIn(events)).toEqual(['1 started', '1 measured', '2 started', '2 failed aborted']);
  expect(trialsOf(events, base).map(({ number }) => number)).toEqual([1]);
  expect(readFileSync(join(summary.folder, 'results.csv'), 'utf8').trimEnd().split('\n').length).toBe(2);
});

test('trials of the past are recorded as such, in full, and not run again', async () => {
  const first = await run();
  done = [];
  const past = trialsOf(first.events, base);
  const second = await run({ past, values: [1, 2, 3] });
  expect(done).toEqual(['run 3']);
  expect(trialsIn(second.events)).toEqual([
    ...['1 started past', '1 measured', '2 started past', '2 measured', '3 started', '3 measured'],
  ]);
  // Read back they are what they were, secrets and all, which only the base has.
  expect(trialsOf(second.events, base).slice(0, 2)).toEqual(past);
  expect(past[0]!.config).toEqual(base.with({ numClients: 1 }));
});

test('no secret is in the session', async () => {
  const { summary } = await run();
  for (const file of ['events.ndjson', 'results.json', 'results.csv', 'session.json'])
    expect(readFileSync(join(summary.folder, file), 'utf8')).not.toContain('hunter2');
});
