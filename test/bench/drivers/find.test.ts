import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BenchmarkConfig } from '../../../src/bench/config.ts';
import { findDriver } from '../../../src/bench/drivers/find.ts';
import { Secret } from '../../../src/valkey/credentials.ts';
import { locate } from '../../servers/locate.ts';
import { needs } from '../../servers/need.ts';
import { Programs, recordingPath } from './stand-in.ts';

needs('valkey-benchmark', 'redis-benchmark');

let home: Programs;
let path: Programs;

beforeAll(async () => {
  home = await Programs.open();
  path = await Programs.open();
  await mkdir(`${home.folder}/target/release`, { recursive: true });
  await mkdir(`${home.folder}/target/debug`, { recursive: true });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await path[Symbol.asyncDispose]();
});

const rs = ['replay.sh', recordingPath('valkey-bench-rs/ping')] as const;
const place = () => ({ cwd: home.folder, env: { PATH: path.folder } });
const find = (operation: string, options: Partial<Parameters<typeof findDriver>[0]> = {}) =>
  findDriver({ ...place(), operation, ...options });

test('the order: target/release, target/debug, PATH, and then the built-in one, each said', async () => {
  const nothing = await find('get', { env: { PATH: home.folder } });
  expect(nothing.driver.name).toBe('builtin');
  expect(nothing.why).toMatch(
    /^the built-in load of stagewatch \d.*: no valkey-bench-rs, valkey-benchmark, redis-benchmark in target\/release/,
  );

  await path.add('redis-benchmark', locate('redis-benchmark')!);
  const redis = await find('get');
  expect(redis.driver).toMatchObject({ name: 'valkey-benchmark', version: 'redis-benchmark 8.0.2' });
  await path.add('valkey-benchmark', locate('valkey-benchmark')!);
  const valkey = await find('get');
  expect(valkey.driver.version).toMatch(/^valkey-benchmark \d/);
  expect(valkey.why).toBe(`${valkey.driver.version}: ${path.folder}/valkey-benchmark on PATH`);

  await path.add('valkey-bench-rs', ...rs);
  const onPath = await find('get');
  expect(onPath.driver).toMatchObject({
    ...{
      name: 'valkey-bench-rs',
      version: 'valkey-bench-rs 0.1.0',
      binary: `${path.folder}/valkey-bench-rs`,
    },
  });
  await home.add('target/debug/valkey-bench-rs', ...rs);
  expect((await find('vec-query')).why).toContain('target/debug/valkey-bench-rs in target/debug');
  await home.add('target/release/valkey-bench-rs', ...rs);
  expect((await find('vec-query')).why).toContain('target/release/valkey-bench-rs in target/release');
  const env = { ...place().env, VALKEY_BENCHMARK_BIN: `${path.folder}/valkey-bench-rs` };
  expect((await find('get', { env })).why).toContain('of VALKEY_BENCHMARK_BIN');
  const named = await find('get', { env, binary: `${path.folder}/valkey-benchmark` });
  expect(named.why).toContain('as asked for');
});

test('a password goes to a driver that takes it safely', async () => {
  const config = new BenchmarkConfig({ operation: 'get', auth: new Secret('s3cret') });
  const { driver, why } = await find('get', { config });
  expect(driver.name).toBe('builtin');
  expect(why).toMatch(/valkey-bench-rs.*no user or password/);
  expect(why).not.toContain('s3cret');
  expect(why).not.toContain('--driver'); // what to do instead is done
});

test('a program that cannot do the operation is passed over, and that is said', async () => {
  const env = { PATH: '/nowhere', VALKEY_BENCHMARK_BIN: locate('valkey-benchmark')! };
  const { driver, why } = await find('vec-query', { env, cwd: '/' });
  expect(driver.name).toBe('builtin');
  expect(why).toContain('of VALKEY_BENCHMARK_BIN: it cannot do vec-query');
  await expect(find('vec-query', { binary: env.VALKEY_BENCHMARK_BIN })).rejects.toMatchObject({
    code: 'operation-not-supported',
  });
});

test('a driver that is named is taken, and no other', async () => {
  expect((await find('get', { driver: 'builtin' })).driver.name).toBe('builtin');
  expect((await find('get', { driver: 'valkey-benchmark' })).why).toMatch(/on PATH, as asked for$/);
  expect((await find('get', { driver: 'redis-benchmark' })).driver.version).toMatch(/^redis-benchmark/);
  const env = { PATH: '/nowhere', VALKEY_BENCHMARK_BIN: locate('valkey-benchmark')! };
  await expect(find('get', { driver: 'valkey-bench-rs', env, cwd: '/' })).rejects.toMatchObject({
    ...{ name: 'BinaryNotFoundError', code: 'binary-not-found' },
    message: expect.stringMatching(/it is valkey-benchmark .*--binary.*driver builtin/) as string,
  });
  await expect(find('get', { driver: 'memtier' })).rejects.toMatchObject({
    name: 'UsageError',
    code: 'unknown-driver',
  });
  await expect(
    find('get', { driver: 'valkey-bench-rs', binary: env.VALKEY_BENCHMARK_BIN }),
  ).rejects.toMatchObject({ name: 'UsageError', code: 'other-program' });
});

test.each([
  ['/no/such/file', 'binary-not-found'],
  ['no-such-program', 'binary-not-found'],
  ['/etc/passwd', 'binary-not-found'],
  ['/', 'binary-not-found'],
  ['/bin/true', 'not-a-benchmark'],
  ['/bin/ls', 'not-a-benchmark'],
])('--binary %s is told: %s', async (binary, code) => {
  await expect(find('get', { binary })).rejects.toMatchObject({ name: 'BinaryNotFoundError', code });
});

test('what a program is goes by what it says, and not by its name', async () => {
  const lies = await path.add('my-valkey-bench-rs', locate('valkey-benchmark')!);
  expect((await find('get', { binary: lies })).driver.name).toBe('valkey-benchmark');
});

test('words before the program are part of its command line', async () => {
  const { driver } = await find('get', { driver: 'builtin', launchWith: ['taskset', '-c', '1'] });
  const line = driver.commandLine(new BenchmarkConfig({ operation: 'get', numClients: 2 }));
  expect(line.slice(0, 5)).toEqual(['taskset', '-c', '1', 'stagewatch', 'load']);
});
