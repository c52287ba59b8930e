import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BenchmarkConfig } from '../../src/bench/config.ts';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { BenchmarkError, BinaryNotFoundError } from '../../src/bench/error.ts';
import { startEngine, type RunningEngine } from '../../src/engine/start.ts';
import { UsageError } from '../../src/error.ts';
import type { WrapperOptions } from '../../src/experiment/wrapper-options.ts';
import { ValKeyBenchmarkWrapper } from '../../src/experiment/wrapper.ts';
import type { SearchEvent } from '../../src/search/contract.ts';
import { InfeasibleError, SearchError, UndecidedError } from '../../src/search/error.ts';
import { TestFolder } from '../e2e/support.ts';
import { ask, commandCalls } from '../load/support.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';

/** A wrapper whose markers are kept. */
function listening(options: WrapperOptions = {}): {
  readonly wrapper: ValKeyBenchmarkWrapper;
  readonly stages: () => string[];
} {
  const lines: string[] = [];
  const wrapper = new ValKeyBenchmarkWrapper({ markers: (line) => lines.push(line), ...options });
  return {
    wrapper,
    stages: () => lines.filter((line) => line.includes('START')).map((line) => line.split(' ')[1]!),
  };
}

describe('on the embedded engine, through the built-in generator', () => {
  let folder: TestFolder;
  let engine: RunningEngine;
  let base: BenchmarkConfig;

  beforeAll(async () => {
    folder = new TestFolder();
    engine = await startEngine({ perfMap: false });
    const dataset = join(folder.path, 'demo');
    await makeDataset({ output: dataset, count: 2_000, dim: 16, queries: 100, neighbors: 20, seed: 5 });
    base = new BenchmarkConfig({ port: engine.port, dataset, numThreads: 1, numRequests: 300 });
    await new ValKeyBenchmarkWrapper({ driver: 'builtin' }).run({ ...base, numRequests: 2_000 }, 'vec-load');
  }, 60_000);

  afterAll(async () => {
    await engine?.[Symbol.asyncDispose]();
    folder?.[Symbol.dispose]();
  });

  test('one run has figures, recall and its configuration; the operation may be given apart', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const result = await wrapper.run({ ...base, operation: 'get', efSearch: 100 }, 'vec-query');
    expect(result).toMatchObject({ driver: 'builtin', loop: 'closed', requests: 300, errors: [] });
    expect(result.config).toMatchObject({ operation: 'vec-query', efSearch: 100, numClients: 10 });
    expect(result.qps).toBeGreaterThan(0);
    expect(result.recallAvg).toBeGreaterThan(0.8);
    expect(result.latencyMax).toBeGreaterThanOrEqual(result.latencyP50);
    expect(String(result)).toMatch(
      /^QPS: \d+\.\d\nLatency: avg=\d+\.\d{3}ms, p50=\S+ms, p95=\S+ms, p99=\S+ms\nRecall: avg=\d+\.\d\d%, min=\S+%, max=100\.00%\nBaseline: \d+\.\d{3}ms \(overhead: -?\d+\.\d{3}ms\)$/,
    );
    expect(stages()).toEqual([]); // a run of one's own is a stage where its script says so
  });

  test('a grid runs every combination once, each a stage; names may be written as in Python', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const paramGrid = { num_clients: [2, 4], efSearch: [10, 200] };
    const results = await wrapper.gridSearch({ baseConfig: base, paramGrid });
    expect(results.map(({ config }) => [config.numClients, config.efSearch])).toEqual([
      [2, 10],
      [2, 200],
      [4, 10],
      [4, 200],
    ]);
    expect(stages()).toEqual([
      'vec-query:ef_10_clients_2',
      'vec-query:ef_200_clients_2',
      'vec-query:ef_10_clients_4',
      'vec-query:ef_200_clients_4',
    ]);
  });

  test('a grid keeps what the filter says', async () => {
    const { wrapper } = listening({ driver: 'builtin' });
    const kept = await wrapper.gridSearch({
      baseConfig: base,
      paramGrid: { ef_search: [10, 20] },
      filterFn: (result) => result.config.efSearch === 20,
    });
    expect(kept.map(({ config }) => config.efSearch)).toEqual([20]);
  });

  test('of ef_search about the smallest value with the recall is found, as a sweep confirms', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    // The order of queries is fixed, so the recall of an ef is always the same.
    const baseConfig = base.with({ seed: 1, numClients: 2, numRequests: 1_000 });
    const minRecall = 0.95;
    const swept = await wrapper.gridSearch({ baseConfig, paramGrid: { efSearch: range(10, 60, 5) } });
    const smallest = swept.find((result) => result.recallAvg! >= minRecall)!.config.efSearch!;
    const before = stages().length;

    const best = await wrapper.binarySearchMaxQps({
      baseConfig,
      targetRecall: minRecall,
      paramName: 'ef_search',
      minVal: 10,
      maxVal: 200,
    });
    expect(best.recallAvg).toBeGreaterThanOrEqual(minRecall);
    // A recall from 1,000 queries is known to some tenths of a percent: a value that surely has it is larger.
    expect(best.config.efSearch).toBeGreaterThan(smallest - 5);
    expect(best.config.efSearch).toBeLessThan(2.5 * smallest);
    expect(
      stages()
        .slice(before)
        .every((stage) => /^vec-query:ef_\d+$/.test(stage)),
    ).toBe(true);
  }, 120_000);

  test('a recall that nothing reaches is an InfeasibleError that holds all trials', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const events: SearchEvent[] = [];
    const search = wrapper.findMaxQpsWithConstraints({
      baseConfig: base,
      minRecall: 1,
      maxLatencyP99: 1e-4,
      paramName: 'efSearch',
      minVal: 10,
      maxVal: 20,
      onEvent: (event) => events.push(event),
    });
    const error = await search.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InfeasibleError);
    expect(error).toBeInstanceOf(BenchmarkError);
    const { trials, nearest, code, message } = error as InfeasibleError;
    expect(code).toBe('infeasible');
    expect(message).not.toBe('');
    expect(nearest?.result.qps).toBeGreaterThan(0);
    expect(trials.length).toBeGreaterThan(0);
    expect(trials).toHaveLength(stages().length);
    expect(events.filter(({ type }) => type === 'trial')).toHaveLength(trials.length);
  }, 120_000);

  test('a search that the signal ends is an UndecidedError with what was measured until then', async () => {
    const ended = new AbortController();
    const { wrapper } = listening({ driver: 'builtin', signal: ended.signal });
    let count = 0;
    const search = wrapper.binarySearchMaxQps({
      baseConfig: base.with({ efSearch: 200 }),
      targetRecall: 0.8,
      onEvent: ({ type }) => type === 'trial' && ++count === 2 && ended.abort(),
    });
    const error = await search.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UndecidedError);
    expect((error as UndecidedError).trials).toHaveLength(2);
  });

  test('a dataset that is not in the server fails the search without a stage, and the failure is told', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const search = wrapper.gridSearch({
      baseConfig: { ...base, searchIndex: 'no-such-index' },
      paramGrid: { numClients: [1, 2, 3, 4] },
    });
    const error = (await search.catch((thrown: unknown) => thrown)) as SearchError;
    expect(error).toBeInstanceOf(SearchError);
    expect(error.message).toContain('no-such-index');
    expect(error.cause).toBeInstanceOf(BenchmarkError);
    expect(error.trials.every(({ outcome }) => outcome.state === 'failed')).toBe(true);
    expect(stages()).toEqual([]);
  });

  test.each([
    ['another name', { paramName: 'clients' }, /Expected a parameter out of num_clients/],
    ['a range upside down', { minVal: 20, maxVal: 10 }, /numClients/],
    ['a range without whole numbers', { maxVal: 10.5 }, /whole number/],
    ['a recall in percent', { targetRecall: 95 }, /recall from 0 to 1, got 95/],
  ])('%s is refused before anything runs', async (_, wrong, message) => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const search = wrapper.binarySearchMaxQps({ baseConfig: base, targetRecall: 0.9, ...wrong });
    await expect(search).rejects.toThrow(UsageError);
    await expect(
      wrapper.binarySearchMaxQps({ baseConfig: base, targetRecall: 0.9, ...wrong }),
    ).rejects.toThrow(message);
    expect(stages()).toEqual([]);
  });

  test('a recall of what has none, and a latency that nothing has, are refused', async () => {
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const get = { baseConfig: base.with({ operation: 'get' }), minRecall: 0.9 };
    await expect(wrapper.findMaxQpsWithConstraints(get)).rejects.toMatchObject({ code: 'no-recall' });
    const instant = { baseConfig: base, maxLatencyP99: 0 };
    await expect(wrapper.findMaxQpsWithConstraints(instant)).rejects.toThrow('over 0 ms');
    expect(stages()).toEqual([]);
  });

  test('verbose and displayOutput tell what is done, to whoever is named', async () => {
    const lines: string[] = [];
    let output = '';
    const { wrapper } = listening({
      driver: 'builtin',
      verbose: (line) => lines.push(line),
      displayOutput: (chunk) => void (output += Buffer.from(chunk).toString()),
    });
    await wrapper.gridSearch({ baseConfig: base, paramGrid: { efSearch: [50] } });
    expect(lines[0]).toMatch(/^Driver: .*stagewatch \d/);
    expect(lines[1]).toMatch(/^Running: .* load .*-t vec-query/);
    expect(lines[2]).toMatch(/^\[1\] efSearch=50: QPS=\d+\.\d, recall=\d+\.\d\d%, p99=\d+\.\d{3}ms$/);
    expect(output).toContain('=== VEC-QUERY ===');
  });
});

describe('on valkey-server', () => {
  needs('valkey-server', 'valkey-benchmark', 'valkey-cli');
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each(['builtin', 'valkey-benchmark'])(
    '%s searches clients with a limit to p99',
    async (name) => {
      const binary = name === 'builtin' ? {} : { binary: locate(name)! };
      const { wrapper, stages } = listening({ driver: name, ...binary });
      const best = await wrapper.findMaxQpsWithConstraints({
        baseConfig: { port: server.port, operation: 'get', numThreads: 1, numRequests: 10_000 },
        maxLatencyP99: 1_000,
        maxVal: 8,
      });
      expect(best.driver).toBe(name);
      expect(best.recallAvg).toBeNull();
      expect(best.config.numClients).toBeGreaterThanOrEqual(1);
      expect(best.config.numClients).toBeLessThanOrEqual(8);
      expect(stages().length).toBeGreaterThan(3);
      expect(stages().every((stage) => /^get:clients_\d$/.test(stage))).toBe(true);
    },
    120_000,
  );

  test('a setting of the server is a parameter: set for its run, and put back after the last', async () => {
    await using empty = await startServer();
    const before = await ask(empty.port, 'CONFIG', 'GET', 'hz').then(() => hzOf(empty.port));
    const seen: number[] = [];
    const { wrapper, stages } = listening({ driver: 'builtin' });
    const results = await wrapper.gridSearch({
      baseConfig: { port: empty.port, operation: 'ping', numThreads: 1, numRequests: 200 },
      paramGrid: { 'config:hz': [20, 40] },
      onEvent: (event) => event.type === 'trial' && seen.push(hzOf(empty.port)),
    });
    expect(results.map(({ config }) => config.serverConfig)).toEqual([{ hz: '20' }, { hz: '40' }]);
    expect(seen).toEqual([20, 40]);
    expect(stages()).toEqual(['ping:config_hz_20', 'ping:config_hz_40']);
    expect(hzOf(empty.port)).toBe(before);
  });

  test('a server that holds something is not changed without leave', async () => {
    await using full = await startServer();
    await ask(full.port, 'SET', 'precious', '1');
    const settings = { port: full.port, operation: 'ping', numRequests: 100, serverConfig: { hz: '50' } };
    await expect(listening({ driver: 'builtin' }).wrapper.run(settings)).rejects.toMatchObject({
      code: 'needs-yes',
    });
    const allowed = listening({ driver: 'builtin', allowServerChanges: true }).wrapper;
    expect((await allowed.run({ ...settings, numClients: 1, numThreads: 1 })).qps).toBeGreaterThan(0);
    expect(hzOf(full.port)).toBe(10);
  });

  test('cli gives replies as valkey-cli prints them into a pipe', async () => {
    const { wrapper } = listening({ driver: 'builtin' });
    for (const command of [
      ['SET', 'greeting', 'hello wörld'],
      ['GET', 'greeting'],
      ['GET', 'nothing'],
      ['STRLEN', 'greeting'],
      ['RPUSH', 'list', 'a', 'b', '-c'],
      ['LRANGE', 'list', '0', '-1'],
      ['EVAL', "return {1, {2, 'x', {}}, false, redis.error_reply('ERR inner')}", '0'],
      ['CONFIG', 'GET', 'maxmemory'],
      ['INFO', 'Cluster'],
    ]) {
      const args = ['-h', '127.0.0.1', '-p', String(server.port)];
      const theirs = execFileSync(locate('valkey-cli')!, [...args, ...command], { encoding: 'utf8' });
      // RPUSH would count on.
      if (command[0] === 'RPUSH') await ask(server.port, 'DEL', 'list');
      // Texts that are made for people have a last line end of their own.
      const lineEnd = command[0] === 'INFO' ? '' : '\n';
      expect((await wrapper.cli([...args, ...command])) + lineEnd, command.join(' ')).toBe(theirs);
    }
  });

  test('an error reply to cli is an error with the words of the server', async () => {
    const { wrapper } = listening({ driver: 'builtin' });
    await expect(wrapper.cli(['NOSUCH', 'x'], { port: server.port })).rejects.toMatchObject({
      name: 'BenchmarkError',
      code: 'error-reply',
      message: expect.stringContaining("unknown command 'NOSUCH'") as string,
    });
  });

  test.each([
    [['-a', 'secret', 'PING'], 'cli-flag'],
    [['-p', 'many', 'PING'], 'bad-config'],
    [['-p'], 'bad-config'],
    [[], 'no-command'],
  ])('cli refuses %j', async (args, code) => {
    await expect(listening().wrapper.cli(args)).rejects.toMatchObject({ name: 'UsageError', code });
  });

  test('the signal ends a run that is under way, and nothing of it is left', async () => {
    const ended = new AbortController();
    const { wrapper, stages } = listening({ driver: 'builtin', signal: ended.signal });
    const run = wrapper.stage('get', () =>
      wrapper.run({ port: server.port, operation: 'get', durationMs: 60_000, numThreads: 1 }),
    );
    while (((await commandCalls(server.port))['get'] ?? 0) < 100_000) await new Promise(setImmediate);
    ended.abort();
    await expect(run).rejects.toMatchObject({ name: 'BenchmarkError', code: 'aborted' });
    expect(stages()).toEqual(['get']);
    const calls = await commandCalls(server.port);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await commandCalls(server.port))['get']).toBe(calls['get']);
  });

  function hzOf(port: number): number {
    const args = ['-p', String(port), 'CONFIG', 'GET', 'hz'];
    return Number(execFileSync(locate('valkey-cli')!, args, { encoding: 'utf8' }).split('\n')[1]);
  }
});

describe('with a program that looks like valkey-bench-rs', () => {
  /** Says what it is as that does, and in --cli mode what it was called with. */
  const LOOKALIKE = `#!/bin/sh
case "$1" in
  --version) echo 'valkey-bench-rs 0.1.0' ;;
  --help) echo '-t --search-index --cli' ;;
  --cli) shift; for word; do [ "$word" = FAIL ] && { echo '(error) ERR no'; exit 0; }; done; printf '[%s]' "$@"; echo ;;
esac
`;
  function lookalike(folder: TestFolder): ValKeyBenchmarkWrapper {
    const binary = join(folder.path, 'valkey-bench-rs');
    writeFileSync(binary, LOOKALIKE);
    chmodSync(binary, 0o755);
    return new ValKeyBenchmarkWrapper({ binary });
  }

  test('cli goes through its --cli mode, and gives what it prints', async () => {
    using folder = new TestFolder();
    const reply = await lookalike(folder).cli(['SET', 'a b', '$(id)'], { host: 'db1', port: 7001 });
    expect(reply).toBe('[-h][db1][-p][7001][SET][a b][$(id)]');
  });

  test('an error reply is an error, though the program ends with 0', async () => {
    using folder = new TestFolder();
    await expect(lookalike(folder).cli(['FAIL'])).rejects.toMatchObject({
      code: 'error-reply',
      message: expect.stringContaining('ERR no') as string,
    });
  });

  test('what it would send as something else, or show to everybody, is refused', async () => {
    using folder = new TestFolder();
    const wrapper = lookalike(folder);
    await expect(wrapper.cli(['SET', 'key', 'deadbeef'])).rejects.toMatchObject({ code: 'cli-hex' });
    process.env['VALKEYCLI_AUTH'] = 'hush';
    try {
      await expect(wrapper.cli(['PING'])).rejects.toMatchObject({ code: 'cli-password' });
    } finally {
      delete process.env['VALKEYCLI_AUTH'];
    }
  });
});

test('a server that is not there is a BenchmarkError, whatever was asked of it', async () => {
  const { wrapper } = listening({ driver: 'builtin' });
  const nowhere = { port: 1, operation: 'ping' };
  for (const ask of [
    () => wrapper.run(nowhere),
    () => wrapper.run({ ...nowhere, serverConfig: { hz: '20' } }),
    () => wrapper.cli(['PING'], nowhere),
  ])
    await expect(ask()).rejects.toMatchObject({ name: 'BenchmarkError', code: 'refused' });
});

test('a program that is not there is a BinaryNotFoundError, at the first run', async () => {
  const wrapper = new ValKeyBenchmarkWrapper({ binary: '/nowhere/valkey-bench-rs' });
  const run = wrapper.run({ operation: 'get' });
  await expect(run).rejects.toThrow(BinaryNotFoundError);
  await expect(run).rejects.toThrow('/nowhere/valkey-bench-rs');
});

test('markers go to standard error where nobody says otherwise, and nothing else does', () => {
  const script = `
    import { ValKeyBenchmarkWrapper } from 'stagewatch';
    await new ValKeyBenchmarkWrapper().stage('get', 'x', () => {});
  `;
  using folder = new TestFolder();
  const err = join(folder.path, 'stderr');
  const out = execFileSync(
    'sh',
    ['-c', '"$0" --input-type=module -e "$1" 2>"$2"', process.execPath, script, err],
    {
      encoding: 'utf8',
      cwd: new URL('../..', import.meta.url),
    },
  );
  expect(out).toBe('');
  expect(readFileSync(err, 'utf8')).toMatch(
    /^\[STAGE:START\] get:x\n\[STAGE:END\] get:x duration=0\.\d{3}s\n$/,
  );
});

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: (to - from) / step + 1 }, (_, i) => from + step * i);
}
