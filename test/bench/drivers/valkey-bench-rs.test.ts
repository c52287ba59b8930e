import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import type { Driver } from '../../../src/bench/driver.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { startEngine } from '../../../src/engine/start.ts';
import { isRunning, readStats } from '../../../src/restore/stat.ts';
import { Secret } from '../../../src/valkey/credentials.ts';
import { ask, startServer, type RunningServer } from '../../servers/start.ts';
import { needs } from '../../servers/need.ts';
import { Programs, recordingPath } from './stand-in.ts';

needs('valkey-server');

const never = new AbortController().signal;
let server: RunningServer;
let programs: Programs;
let dataset = '';

beforeAll(async () => {
  server = await startServer();
  programs = await Programs.open();
  dataset = join(programs.folder, 'c10k');
  copyFileSync(join(recordingPath('../datasets'), 'c10k.yaml'), `${dataset}.yaml`);
  writeFileSync(`${dataset}.bin`, '');
  truncateSync(`${dataset}.bin`, 10_000 * 256 + 200 * 256 + 200 * 100 * 8);
});

afterAll(async () => {
  await programs[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const config = (settings: BenchmarkSettings = {}): BenchmarkConfig =>
  new BenchmarkConfig({ port: server.port, operation: 'get', numRequests: 1000, ...settings });

async function driverOf(fixture: string, ...words: readonly string[]): Promise<Driver> {
  const binary = await programs.add(`program-${fixture}-${words.length}`, fixture, ...words);
  return (await findDriver({ operation: 'get', binary })).driver;
}

const replay = (name: string): Promise<Driver> =>
  driverOf('replay.sh', recordingPath(`valkey-bench-rs/${name}`));

test('a replayed vec-query is a result with recall and all digits of the file', async () => {
  const driver = await replay('vec-query');
  const asked = config({ operation: 'vec-query', dataset, numRequests: 2000, efSearch: 20 });
  const result = await driver.run(asked, never);
  expect(result).toMatchObject({
    ...{ qps: 15236.661308643928, latencyP99: 0.564, recallAvg: 0.9824, recallMin: 0.8, recallMax: 1 },
    ...{ requests: 2000, baselineLatencyAvg: 0.07, driver: 'valkey-bench-rs', loop: 'closed' },
    ...{ errors: [], warnings: [], config: asked },
  });
  expect(Math.abs(result.timestamp - Date.now() / 1000)).toBeLessThan(60);
});

test('the argument list: schema and data, index and prefix as our own load has them; what users add comes last', async () => {
  const driver = await replay('vec-query');
  const asked = config({
    ...{ operation: 'vec-query', dataset, numClients: 2, numThreads: 4, efSearch: 20, k: 5 },
    ...{ extraArgs: ['--new-flag', '1'], prefixArgs: ['--csv', 'x.csv'] },
  });
  expect(driver.commandLine(asked).slice(1)).toEqual([
    ...['-h', '127.0.0.1', '-p', String(server.port), '-c', '2', '--threads', '2', '-n', '1000'],
    ...['--schema', `${dataset}.yaml`, '--data', `${dataset}.bin`, '-k', '5', '--ef-search', '20'],
    ...['--search-index', 'mkds-10K-64-100', '--search-prefix', 'zvec_mkds:'],
    ...['--csv', 'x.csv', '-t', 'vec-query', '--new-flag', '1'],
  ]);
  const seen: (readonly string[])[] = [];
  await expect(
    driver.run(asked.with({ numRequests: 2000 }), never, { started: (argv) => seen.push(argv) }),
  ).resolves.toMatchObject({
    warnings: [
      {
        code: 'extra-arguments',
        message: expect.stringContaining('--new-flag is not in the help') as string,
      },
    ],
  });
  expect(seen[0]).toContain('-o');
  expect(seen[0]?.slice(-2)).toEqual(['--new-flag', '1']);
});

test('TLS', async () => {
  const tls = { ca: 'ca.pem', cert: 'me.pem', key: 'me.key', sni: 'db', skipVerify: true };
  expect((await replay('ping')).commandLine(config({ tls })).join(' ')).toContain(
    '--tls --tls-ca-cert ca.pem --tls-cert me.pem --tls-key me.key --tls-sni db --tls-skip-verify -c',
  );
});

test('a mix goes into --parallel, batches are whole, and what batches repeat is told', async () => {
  const driver = await replay('parallel');
  const asked = config({ operation: 'get:0.8,set:0.2', pipeline: 16, numRequests: 19_999 });
  expect(driver.commandLine(asked).slice(-4)).toEqual(['-n', '20000', '--parallel', 'get:0.8,set:0.2']);
  const { warnings, qps } = await driver.run(asked, never);
  expect(qps).toBe(46945);
  expect(warnings.map(({ code }) => code)).toEqual(['misses', 'repeated-keys', 'rounded-requests']);
});

test('what its own optimizer chose is the configuration of the result', async () => {
  const driver = await replay('optimize-vec-query');
  const asked = config({ operation: 'vec-query', dataset, extraArgs: ['--optimize'] });
  const result = await driver.run(asked, never);
  expect(result.config).toEqual(asked.with({ numClients: 2, efSearch: 150 }));
  expect(result).toMatchObject({ qps: 4051.67, recallAvg: 0.8954, latencyP99: 0.955 });
});

test('more connections than asked for, and a rate that is not kept, are told', async () => {
  const cluster = await (await replay('cluster-auto')).run(config({ numClients: 12, rps: 30_000 }), never);
  expect(cluster).toMatchObject({ loop: 'open', qps: 57962 });
  expect(cluster.warnings.map(({ code }) => code)).toEqual(['misses', 'other-clients', 'rate-exceeded']);
});

test.each([
  [
    'a password',
    { auth: new Secret('s3cret') },
    'password-not-supported',
    /--driver builtin.*VALKEYCLI_AUTH/,
  ],
  ['a user', { user: 'alice' }, 'password-not-supported', /builtin/],
  ['a password among the arguments', { extraArgs: ['-a', 's3cret'] }, 'password-in-arguments', /-a \*\*\*/],
  ['a warm-up', { warmupMs: 1000 }, 'no-effect', /--warmup/],
  ['another database', { extraArgs: ['--dbnum', '3'] }, 'no-effect', /--dbnum/],
  ['half a second', { durationMs: 500 }, 'whole-seconds', /500 ms/],
  ['two operations', { operation: 'set,get' }, 'operation-not-supported', /one after the other/],
  ['no dataset', { operation: 'vec-query' }, 'no-dataset', /--dataset/],
] as const)('%s is refused before anything runs', async (_, settings, code, message) => {
  const driver = await replay('set-get');
  const refusal = await driver.run(config(settings), never).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    name: 'UsageError',
    code,
    message: expect.stringMatching(message) as string,
  });
  expect(String(refusal)).not.toContain('s3cret');
});

test('a dataset without a schema is refused, with the command that converts it', async () => {
  const legacy = join(programs.folder, 'old.bin');
  writeFileSync(legacy, Buffer.from([0x01, 0xb0, 0xcd, 0xde]));
  const driver = await replay('vec-query');
  await expect(driver.run(config({ operation: 'vec-query', dataset: legacy }), never)).rejects.toMatchObject({
    code: 'legacy-dataset',
    message: expect.stringContaining(`stagewatch dataset convert ${legacy} --output`) as string,
  });
});

test.each([
  ['half-a-result.sh', 'ParseError', 'broken-result', 'Throughput: 54,685 req/s | Requests: 50,0'],
  ['garbage.sh', 'ParseError', 'no-result', 'last words'],
  ['other-tool.sh', 'ParseError', 'no-result', 'Gets        54685.10'],
] as const)('%s is no result, and its last lines are told', async (fixture, name, code, last) => {
  const driver = await driverOf(fixture);
  const failure = await driver.run(config(), never).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name, code, message: expect.stringContaining(last) as string });
  expect((failure as { lastLines: string[] }).lastLines.at(-1)).toContain(last);
});

test('a program that ends with 0 and says nothing', async () => {
  const driver = await driverOf('silent.sh');
  await expect(driver.run(config(), never)).rejects.toMatchObject({
    ...{ name: 'ParseError', code: 'no-result', lastLines: [] },
    message: expect.stringContaining('It printed nothing') as string,
  });
});

test.each([
  ['err-unknown-test', 'Unknown test: nosuch', 'exit code 1'],
  ['err-bad-value', "try '--help'", 'exit code 2'],
])('%s fails with its exit code and its last line', async (name, last, end) => {
  const failure = await (await replay(name)).run(config(), never).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'BenchmarkError', code: 'benchmark-failed' });
  expect(String(failure)).toContain(last);
  expect(String(failure)).toContain(end);
});

test('fewer requests than asked for are no run', async () => {
  const driver = await replay('set-get');
  await expect(driver.run(config({ numRequests: 100_001 }), never)).rejects.toMatchObject({
    code: 'too-few-requests',
    message: expect.stringContaining('100000 of 100001') as string,
  });
});

test('a program that hangs is ended with all of its group, and what it said last is told', async () => {
  const driver = await driverOf('stubborn.sh');
  const failure = await driver.run(config({ timeoutMs: 500 }), never).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    ...{ name: 'BenchmarkError', code: 'timeout' },
    message: expect.stringMatching(/500 ms.*"warming up, pid \d+"/) as string,
  });
  expectGone(failure);
});

test('an abort ends it, and says so', async () => {
  const driver = await driverOf('stubborn.sh');
  const stop = new AbortController();
  const failure = await driver
    .run(config(), stop.signal, { output: () => stop.abort() })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'BenchmarkError', code: 'aborted' });
  expectGone(failure);
  await expect(driver.run(config(), stop.signal)).rejects.toMatchObject({ code: 'aborted' });
});

function expectGone(failure: unknown): void {
  const pid = /pid (\d+)/.exec((failure as { lastLines: string[] }).lastLines.join('\n'))?.[1];
  expect(pid).toBeDefined();
  expect(readStats().filter((stat) => stat.pgrp === Number(pid) && isRunning(stat))).toEqual([]);
}

test('what a program leaves behind is ended, and its result counts', async () => {
  const driver = await driverOf('leaves-a-child.sh', recordingPath('valkey-bench-rs/set-get'));
  let output = '';
  const result = await driver.run(config(), never, {
    output: (chunk) => (output += Buffer.from(chunk).toString()),
  });
  expect(result.qps).toBe(38225);
  expectGone({ lastLines: [output] });
});

test('200 MB of output are streamed on, and not kept', async () => {
  const driver = await driverOf('flood.sh', '200', recordingPath('valkey-bench-rs/set-get'));
  let [bytes, peak] = [0, 0];
  const before = process.memoryUsage().rss;
  const result = await driver.run(config(), never, {
    output: (chunk) => {
      bytes += chunk.length;
      peak = Math.max(peak, process.memoryUsage.rss());
    },
  });
  expect(result.qps).toBe(38225);
  expect(bytes).toBeGreaterThan(200_000_000);
  expect(peak - before).toBeLessThan(100_000_000);
});

test('a server that ends in mid-run spoils a fine result', async () => {
  await using other = await startServer();
  const driver = await driverOf('end-server.mjs', recordingPath('valkey-bench-rs/set-get'));
  await expect(driver.run(config({ port: other.port }), never)).rejects.toMatchObject({
    ...{ name: 'BenchmarkError', code: 'server-gone' },
    message: expect.stringContaining('did not survive') as string,
  });
});

test('error replies that the program takes for answers are counted by the server', async () => {
  const driver = await driverOf('refused-reads.mjs', recordingPath('valkey-bench-rs/set-get'));
  await expect(driver.run(config(), never)).rejects.toMatchObject({
    ...{ code: 'error-replies', message: expect.stringContaining('500 x WRONGTYPE') as string },
  });
  const allowed = await driver.run(config({ allowErrors: true }), never);
  expect(allowed.errors).toEqual([{ kind: 'WRONGTYPE', count: 500 }]);
  expect(allowed.qps).toBeCloseTo(38225 * (1 - 500 / 100_000), 6);
});

test('a server that is not there, and a wrong password, are told before anything runs', async () => {
  const driver = await replay('set-get');
  const gone = await startServer();
  await gone[Symbol.asyncDispose]();
  await expect(driver.run(config({ port: gone.port }), never)).rejects.toMatchObject({
    ...{ name: 'BenchmarkError', code: 'refused' },
  });
  await using locked = await startServer({ args: ['--requirepass', 'right'] });
  await expect(driver.run(config({ port: locked.port }), never)).rejects.toMatchObject({
    code: 'auth-required',
  });
  expect(await ask(locked.port, 'PING\r\n')).toContain('NOAUTH');
});

test('an index that is missing or empty is told before a query, with the command that loads it', async () => {
  await using engine = await startEngine({ port: 0 });
  const driver = await replay('vec-query');
  const asked = config({ port: engine.port, operation: 'vec-query', dataset, numRequests: 2000 });
  await expect(driver.run(asked, never)).rejects.toMatchObject({
    ...{ code: 'missing-index', message: expect.stringContaining('-t vec-load --dataset') as string },
  });
  await ask(
    engine.port,
    'FT.CREATE mkds-10K-64-100 ON HASH PREFIX 1 zvec_mkds: SCHEMA embedding VECTOR HNSW 6 TYPE FLOAT32 DIM 64 DISTANCE_METRIC L2\r\n',
  );
  await expect(driver.run(asked, never)).rejects.toMatchObject({ code: 'empty-index' });
});

test('a cluster that is none, and flags that a version does not have', async () => {
  const driver = await replay('set-get');
  expect(driver.commandLine(config({ cluster: true }))).toContain('--cluster');
  await expect(driver.run(config({ cluster: true }), never)).rejects.toMatchObject({ code: 'no-cluster' });
});
