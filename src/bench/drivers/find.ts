import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { UsageError, messageOf } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import type { Driver } from '../driver.ts';
import { BinaryNotFoundError } from '../error.ts';
import { builtinProgram } from './builtin.ts';
import { identify, type IdentifiedBinary } from './identify.ts';
import { driverOf, operationNotSupported, type ProgramDriver } from './program-driver.ts';
import { isVectorOperation, normalised } from './settings.ts';
import { valkeyBenchRsProgram } from './valkey-bench-rs.ts';
import { valkeyBenchmarkProgram } from './valkey-benchmark.ts';

/** What `--driver` takes. */
export const driverNames = ['valkey-bench-rs', 'valkey-benchmark', 'redis-benchmark', 'builtin'] as const;
export type DriverName = (typeof driverNames)[number];

export interface FindOptions {
  readonly operation: string;
  /** Path of a program, or its name on PATH. What it is is found out. */
  readonly binary?: string;
  /** One of `driverNames`; found without. */
  readonly driver?: string;
  /** A configuration that the driver must be able to run, where none is forced: passwords, rates, TLS. */
  readonly config?: BenchmarkConfig;
  /** Of VALKEY_BENCHMARK_BIN and PATH; our own by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where target/release and target/debug are looked for; our own by default. */
  readonly cwd?: string;
  /** Words before the program, `['taskset', '-c', '2,3']` say. */
  readonly launchWith?: readonly string[];
}

export interface FoundDriver {
  readonly driver: Driver;
  /** In words: `valkey-benchmark 8.0.1, /usr/bin/valkey-benchmark on PATH`. */
  readonly why: string;
}

/**
 * Finds the program that does an operation: `binary`, VALKEY_BENCHMARK_BIN, target/release and target/debug below the
 * working folder, PATH (valkey-bench-rs; for operations without recall valkey-benchmark and redis-benchmark too); else
 * the built-in load generator.
 * @throws {BinaryNotFoundError} what was named is not there, or is no benchmark. @throws {UsageError} unknown-driver,
 * other-program, operation-not-supported.
 */
export async function findDriver(options: FindOptions): Promise<FoundDriver> {
  const { binary, env = process.env } = options;
  const name = options.driver === undefined ? undefined : driverNameOf(options.driver);
  if (name === 'builtin') return supported(builtin(options), options, 'as asked for');
  if (binary !== undefined) {
    const found = await identifyNamed(binary, 'the benchmark', options);
    if (name !== undefined && found.kind !== kindOf(name))
      throw new UsageError(
        'other-program',
        `Expected the benchmark program to be ${name}, which was asked for too, but ${found.path} is ${found.program} ${found.version}.`,
      );
    return supported(ofBinary(found, options), options, `${found.path}, as asked for`);
  }
  const reasons: string[] = [];
  for await (const { found, place } of candidates(options, name, env, reasons)) {
    const driver = ofBinary(found, options);
    const why = `${found.path} ${place}`;
    if (name !== undefined) return supported(driver, options, `${why}, as asked for`);
    const obstacle = driver.supports(options.operation)
      ? options.config && driver.obstacle(options.config)?.message
      : `it cannot do ${options.operation}`;
    if (obstacle === undefined) return supported(driver, options, why);
    reasons.push(`${why}: ${firstSentence(obstacle)}`);
  }
  const looked = `no ${programsFor(options, name).join(', ')} in target/release, target/debug or on PATH`;
  const why = reasons.length > 0 ? reasons.join('; ') : looked;
  if (name === undefined) return supported(builtin(options), options, why);
  throw new BinaryNotFoundError(
    'binary-not-found',
    `Expected ${name} to be there, as asked for: ${why}. Say where it is (--binary or VALKEY_BENCHMARK_BIN), or use the driver builtin.`,
  );
}

/** What to do instead is done. */
function firstSentence(message: string): string {
  return message.replace(/\. .*$/s, '');
}

function driverNameOf(name: string): DriverName {
  const found = driverNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw new UsageError(
    'unknown-driver',
    `Expected the driver to be one of ${driverNames.join(', ')}, got "${name}".`,
  );
}

/** Every program that may be the one, in order, as it says that it is. @param reasons takes why others are not. */
async function* candidates(
  options: FindOptions,
  name: DriverName | undefined,
  env: NodeJS.ProcessEnv,
  reasons: string[],
): AsyncGenerator<{ readonly found: IdentifiedBinary; readonly place: string }> {
  const fromEnvironment = env['VALKEY_BENCHMARK_BIN'];
  if (fromEnvironment) {
    const found = await identifyNamed(fromEnvironment, 'VALKEY_BENCHMARK_BIN', options);
    // It is set once for all kinds of work: another program may be wanted this time.
    if (name === undefined || found.kind === kindOf(name)) yield { found, place: 'of VALKEY_BENCHMARK_BIN' };
    else reasons.push(`${found.path} of VALKEY_BENCHMARK_BIN: it is ${found.program} ${found.version}`);
  }
  const places = programsFor(options, name).flatMap((program) => placesOf(program, options));
  for (const { path, place } of places) {
    const found = await identify(path).catch((error: unknown) => void reasons.push(messageOf(error)));
    if (found) yield { found, place };
  }
}

/** A program that was named: it is there, or that is told. */
async function identifyNamed(
  binary: string,
  by: string,
  { cwd = '.', env }: FindOptions,
): Promise<IdentifiedBinary> {
  const path = binary.includes('/') ? resolve(cwd, binary) : onPath(binary, env);
  if (path !== undefined && isExecutable(path)) return identify(path);
  throw new BinaryNotFoundError(
    'binary-not-found',
    `Expected ${by} to be a program, got "${binary}": there is no such file that can be executed${binary.includes('/') ? '' : ' on PATH'}.`,
  );
}

function programsFor({ operation }: FindOptions, name: DriverName | undefined): readonly string[] {
  if (name === 'redis-benchmark') return ['redis-benchmark'];
  if (name === 'valkey-benchmark') return ['valkey-benchmark', 'redis-benchmark'];
  if (name === 'valkey-bench-rs' || isVectorOperation(normalised(operation))) return ['valkey-bench-rs'];
  return ['valkey-bench-rs', 'valkey-benchmark', 'redis-benchmark'];
}

function placesOf(
  program: string,
  { cwd = process.cwd(), env }: FindOptions,
): readonly { readonly path: string; readonly place: string }[] {
  const built =
    program === 'valkey-bench-rs'
      ? ['release', 'debug'].map((kind) => ({
          path: join(cwd, 'target', kind, program),
          place: `in target/${kind}`,
        }))
      : [];
  const path = onPath(program, env);
  return [...built.filter(({ path }) => isExecutable(path)), ...(path ? [{ path, place: 'on PATH' }] : [])];
}

function builtin({ launchWith }: FindOptions): ProgramDriver {
  return driverOf(builtinProgram(), launchWith);
}

function ofBinary(found: IdentifiedBinary, { launchWith }: FindOptions): ProgramDriver {
  const program =
    found.kind === 'valkey-bench-rs' ? valkeyBenchRsProgram(found) : valkeyBenchmarkProgram(found);
  return driverOf(program, launchWith);
}

function supported(driver: ProgramDriver, { operation }: FindOptions, why: string): FoundDriver {
  const name = driver.binary === undefined ? `the built-in load of ${driver.version}` : driver.version;
  if (driver.supports(operation)) return { driver, why: `${name}: ${why}` };
  throw operationNotSupported(driver.name, operation);
}

function kindOf(name: DriverName): IdentifiedBinary['kind'] {
  return name === 'valkey-bench-rs' ? 'valkey-bench-rs' : 'valkey-benchmark';
}

function onPath(program: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, program))
    .find((path) => isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
