import type { BenchmarkConfig, BenchmarkSettings } from '../bench/config.ts';
import { UsageError } from '../error.ts';
import { didYouMean } from '../profile/suggest.ts';
import type { Parameter, ParameterName } from './contract.ts';

/** What may be turned, beside the server's settings. */
const numbers = [
  'numClients',
  'numThreads',
  'efSearch',
  'pipeline',
  'numRequests',
  'durationMs',
  'warmupMs',
  'rps',
  'keyspace',
  'dataSize',
  'seed',
  'k',
  'hnswM',
  'efConstruction',
] as const satisfies readonly (keyof BenchmarkSettings)[];

/** What a grid may go through too. */
const texts = [
  'operation',
  'dataset',
  'searchIndex',
  'searchPrefix',
  'host',
] as const satisfies readonly (keyof BenchmarkSettings)[];

const known: ReadonlyMap<string, ParameterName> = new Map(
  [...numbers, ...texts].flatMap((name) => [
    [name, name],
    [snakeCase(name), name],
  ]),
);

/**
 * The parameter that a user means: `numClients`, `num_clients`, `num-clients`, or `config:NAME`.
 * @throws {UsageError} unknown-parameter, with the nearest name.
 */
export function parameterOf(name: string): ParameterName {
  if (isServerSetting(name)) return name;
  const found = known.get(name) ?? known.get(name.replaceAll('-', '_'));
  if (found !== undefined) return found;
  throw new UsageError(
    'unknown-parameter',
    `Expected a parameter out of ${numbers.map(snakeCase).join(', ')} or config:NAME, got "${name}".${didYouMean(name, known.keys())}`,
  );
}

/**
 * The configuration with one parameter set.
 * @throws {UsageError} bad-config, for a value that the parameter cannot have.
 */
export function configWith(
  base: BenchmarkConfig,
  name: ParameterName,
  value: number | string,
): BenchmarkConfig {
  if (isServerSetting(name))
    return base.with({
      serverConfig: { ...base.serverConfig, [name.slice('config:'.length)]: String(value) },
    });
  const isText = (texts as readonly string[]).includes(name);
  const fitting = isText ? String(value) : Number(value);
  if (typeof fitting === 'number' && !Number.isFinite(fitting))
    throw new UsageError('bad-config', `Expected ${name} to be a number, got "${value}".`);
  return base.with({ [name]: fitting });
}

/** What the configuration has for a parameter; undefined where it has nothing. */
export function valueOf(config: BenchmarkConfig, name: ParameterName): number | string | undefined {
  if (isServerSetting(name)) return config.serverConfig[name.slice('config:'.length)];
  const value = config[name as keyof BenchmarkConfig];
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

/** What changes nothing but queries of vectors. */
const ofQueries: ReadonlySet<string> = new Set<ParameterName>(['efSearch', 'k']);

/**
 * Whether an operation takes a parameter at all: of others every value would measure the same.
 * @throws {UsageError} without-effect.
 */
export function checkEffect(names: readonly ParameterName[], operation: string): void {
  const idle = names.find((name) => ofQueries.has(name));
  if (idle === undefined || operation.trim().toLowerCase() === 'vec-query') return;
  throw new UsageError(
    'without-effect',
    `Expected ${snakeCase(idle)} to be searched with vec-query only: ${operation} has none.`,
  );
}

/** @throws {UsageError} for a range that holds nothing, a parameter given twice, or one that is no number. */
export function checkParameters(parameters: readonly Parameter[]): void {
  const seen = new Set<ParameterName>();
  for (const { name, min, max, step = 1 } of parameters) {
    const canonical = parameterOf(name);
    if ((texts as readonly string[]).includes(canonical))
      throw new UsageError('unknown-parameter', `Expected a parameter that is a number, got "${name}".`);
    if (canonical !== name || seen.has(name))
      throw new UsageError('bad-range', `Expected each parameter once and as ${canonical}, got "${name}".`);
    seen.add(name);
    for (const [what, value] of [['minimum', min] as const, ['maximum', max] as const])
      if (!Number.isSafeInteger(value))
        throw new UsageError(
          'bad-range',
          `Expected the ${what} of ${name} to be a whole number, got ${value}.`,
        );
    if (!Number.isSafeInteger(step) || step < 1)
      throw new UsageError(
        'bad-range',
        `Expected the step of ${name} to be a whole number from 1, got ${step}.`,
      );
    if (min > max)
      throw new UsageError('bad-range', `Expected the minimum of ${name} to be at most ${max}, got ${min}.`);
  }
}

function isServerSetting(name: string): name is `config:${string}` {
  return name.startsWith('config:') && name.length > 'config:'.length;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
