import { afterAll, beforeAll, expect, test } from 'vitest';
import { BenchmarkConfig, type BenchmarkSettings } from '../../../src/bench/config.ts';
import type { Driver } from '../../../src/bench/driver.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { Secret } from '../../../src/valkey/credentials.ts';
import { startCluster } from '../../load/cluster.ts';
import { locate } from '../../servers/locate.ts';
import { needs } from '../../servers/need.ts';
import { ask, startServer, type RunningServer } from '../../servers/start.ts';
import { Programs, recordingPath } from './stand-in.ts';

needs('valkey-server', 'valkey-benchmark', 'redis-benchmark');

const never = new AbortController().signal;
let server: RunningServer;
let driver: Driver;
let redis: Driver;

beforeAll(async () => {
  server = await startServer();
  const find = async (program: string) =>
    (await findDriver({ operation: 'get', binary: locate(program)! })).driver;
  driver = await find('valkey-benchmark');
  redis = await find('redis-benchmark');
});
afterAll(async () => server[Symbol.asyncDispose]());

const config = (settings: BenchmarkSettings = {}): BenchmarkConfig =>
  new BenchmarkConfig({
    ...{ port: server.port, operation: 'get', numRequests: 20_000, numThreads: 1, keyspace: 100 },
    ...settings,
  });

test.each([
  ['valkey-benchmark', () => driver],
  ['redis-benchmark', () => redis],
])('%s measures a real server, and its output is seen as it comes', async (program, of) => {
  let output = '';
  const asked = config();
  const result = await of().run(asked, never, {
    output: (chunk) => (output += Buffer.from(chunk).toString()),
  });
  expect(of().version).toMatch(new RegExp(`^${program} \\d`));
  expect(output).toContain(`"GET","${result.qps.toFixed(2)}"`);
  expect(result).toMatchObject({ driver: 'valkey-benchmark', loop: 'closed', recallAvg: null, errors: [] });
  expect(result).toMatchObject({ requests: null, durationMs: null, config: asked });
  expect(result.qps).toBeGreaterThan(100);
  expect(result.latencyP50).toBeLessThanOrEqual(result.latencyP99);
  expect(result.latencyAvg).toBeGreaterThan(0);
});

test.each(['ping', 'lrange_100', 'mset', 'spop', 'xadd'])(
  '%s is found among what is printed',
  async (operation) => {
    let output = '';
    const asked = config({ operation, numRequests: 5_000 });
    const result = await driver.run(asked, never, {
      output: (chunk) => (output += Buffer.from(chunk).toString()),
    });
    const name = {
      ping: 'PING_MBULK',
      lrange_100: 'LRANGE_100 (first 100 elements)',
      mset: 'MSET (10 keys)',
    }[operation];
    expect(output).toContain(`"${name ?? operation.toUpperCase()}","${result.qps.toFixed(2)}"`);
  },
);

test('a command of the user is what is measured, and that is said', async () => {
  const asked = config({ numRequests: 5_000, extraArgs: ['ZADD', 'board,a', '__rand_int__', 'x'] });
  const { warnings } = await driver.run(asked, never);
  // On a fast machine the run may be short for its clock, which is told too.
  expect(warnings[0]).toMatchObject({
    code: 'other-test',
    message: expect.stringContaining('"ZADD board,a __rand_int__ x"') as string,
  });
});

test('threads only where runs are long enough for its clock', async () => {
  const line = (settings: BenchmarkSettings): string => driver.commandLine(config(settings)).join(' ');
  expect(line({ numThreads: 4 })).not.toContain('--threads');
  expect(line({ numThreads: 4, numRequests: 1_000_000 })).toContain('--threads 4');
  expect(line({ numThreads: 4, numClients: 2, numRequests: 1_000_000 })).toContain('--threads 2');
  const { warnings } = await driver.run(config({ numThreads: 4 }), never);
  expect(warnings.map(({ code }) => code)).toContain('one-thread');
});

test('9.x has times and rates, and they are passed', async () => {
  await using programs = await Programs.open();
  const binary = await programs.add('nine', 'replay-9.sh', recordingPath('valkey-benchmark/duration-9.1.2'));
  const nine = (await findDriver({ operation: 'get', binary })).driver;
  const asked = config({ durationMs: 2000, warmupMs: 1000, rps: 65_000 });
  expect(nine.version).toBe('valkey-benchmark 9.1.2');
  expect(nine.commandLine(asked).slice(1).join(' ')).toBe(
    `-h 127.0.0.1 -p ${server.port} -c 10 --duration 2 --warmup 1 --rps 65000 -r 100 -d 3 --csv -t get`,
  );
  expect(await nine.run(asked, never)).toMatchObject({
    ...{ qps: 62533, latencyAvg: 0.093, latencyP50: 0.087, latencyP95: 0.127, latencyP99: 0.215 },
    ...{ latencyMax: 4.191, loop: 'open', warnings: [] },
  });
  await expect(nine.run(asked.with({ durationMs: 1500 }), never)).rejects.toMatchObject({
    code: 'whole-seconds',
  });
  await expect(nine.run(config({ seed: 1 }), never)).rejects.toMatchObject({ code: 'flag-missing' });
});

test('TLS', () => {
  const tls = { ca: 'ca.pem', cert: 'me.pem', key: 'me.key', sni: 'db', skipVerify: true };
  expect(driver.commandLine(config({ tls })).join(' ')).toContain(
    '--tls --cacert ca.pem --cert me.pem --key me.key --sni db --insecure -c 10',
  );
});

test('an error reply ends it, and the reply is told', async () => {
  await using full = await startServer({ args: ['--maxmemory', '1mb'] });
  const failure = await driver
    .run(config({ port: full.port, operation: 'set', dataSize: 1000 }), never)
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({
    ...{ name: 'BenchmarkError', code: 'error-replies' },
    message: expect.stringContaining('OOM command not allowed') as string,
  });
});

test('a server in mid-death is told', async () => {
  const other = await startServer();
  const running = driver.run(config({ port: other.port, numRequests: 50_000_000 }), never, {
    started: () => setTimeout(() => void ask(other.port, 'SHUTDOWN NOSAVE\r\n').catch(() => {}), 300),
  });
  await expect(running).rejects.toMatchObject({ name: 'BenchmarkError', code: 'server-gone' });
  await other[Symbol.asyncDispose]();
});

test('an abort ends it', async () => {
  const stop = new AbortController();
  const running = driver.run(config({ numRequests: 50_000_000 }), stop.signal, {
    started: () => setTimeout(() => stop.abort(), 300),
  });
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
});

test.each([
  ['a password', { auth: new Secret('s3cret') }, 'password-not-supported', /--driver builtin/],
  ['a URI with a password', { extraArgs: ['-u', 'redis://u:s3cret@h'] }, 'password-in-arguments', /\*\*\*/],
  ['a rate', { rps: 1000 }, 'flag-missing', /--rps .*8\.0\.1/],
  ['a duration', { durationMs: 2000 }, 'flag-missing', /--duration/],
  ['a warm-up', { warmupMs: 2000 }, 'flag-missing', /--warmup/],
  ['recall', { operation: 'vec-query' }, 'operation-not-supported', /vec-query/],
  ['a mix', { operation: 'get:0.8,set:0.2' }, 'operation-not-supported', /get:0.8/],
] as const)('%s is refused where it cannot have it', async (_, settings, code, message) => {
  const refusal = await driver.run(config(settings), never).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    name: 'UsageError',
    code,
    message: expect.stringMatching(message) as string,
  });
  expect(String(refusal)).not.toContain('s3cret');
});

test('a cluster is found out, and all of it is measured', async () => {
  await using cluster = await startCluster();
  const [port] = cluster.ports;
  const seen: (readonly string[])[] = [];
  const asked = config({ port: port!, operation: 'set', keyspace: 10_000 });
  const result = await driver.run(asked, never, { started: (argv) => seen.push(argv) });
  expect(seen[0]).toContain('--cluster');
  expect(result.qps).toBeGreaterThan(100);
  expect(await ask(cluster.ports[2]!, 'DBSIZE\r\n')).toMatch(/^:[1-9]/);
});
