import { availableParallelism } from 'node:os';
import type { BenchmarkConfig } from '../bench/config.ts';
import { UsageError } from '../error.ts';
import type { Constraints, Parameter, ParameterName } from '../search/contract.ts';
import { checkEffect, checkParameters, parameterOf } from '../search/parameter.ts';
import type { SearchFlags } from './search-flags.ts';

/** Where nobody says otherwise. */
export const TARGET_RECALL = 0.95;
const EF = { min: 10, max: 500 } as const;
const CLIENTS = { min: 1, max: 200 } as const;

/** The operations whose replies can be compared with the truth. */
export function hasRecall(operation: string): boolean {
  return operation.trim().toLowerCase() === 'vec-query';
}

/** @throws {UsageError} no-recall, when a recall is wanted of an operation without one. */
export function toConstraints(
  flags: Pick<SearchFlags, 'targetRecall' | 'maxP99Latency'>,
  { operation }: BenchmarkConfig,
  defaultRecall?: number,
): Constraints {
  const { targetRecall, maxP99Latency } = flags;
  if (!hasRecall(operation) && targetRecall !== undefined)
    throw new UsageError(
      'no-recall',
      `Expected --target-recall with vec-query only: ${operation} has no recall.`,
    );
  const minRecall = hasRecall(operation) ? (targetRecall ?? defaultRecall) : undefined;
  return {
    ...(minRecall === undefined ? {} : { minRecall }),
    ...(maxP99Latency === undefined ? {} : { maxLatencyP99: maxP99Latency }),
  };
}

/**
 * What is searched, and where. `--search-param` says what (both, unless one of them is given), `--tune` adds parameters
 * or gives one of them another range.
 * @throws {UsageError} unknown-parameter, bad-range, fixed-parameter, one-parameter, without-effect.
 */
export function toParameters(flags: SearchFlags, base: BenchmarkConfig): Parameter[] {
  const tuned = (flags.tune ?? []).map(parseTune);
  const named = namesOf(flags, base);
  const open = named.filter((name) => !tuned.some((parameter) => parameter.name === name));
  const { minValue, maxValue } = flags;
  if ((minValue !== undefined || maxValue !== undefined) && open.length !== 1)
    throw new UsageError(
      'one-parameter',
      `Expected --min-value and --max-value to go with one parameter, got ${open.length === 0 ? 'none' : open.map(flagName).join(' and ')}: name it with --search-param, or give each its own range with --tune name:min:max.`,
    );
  const parameters = [
    ...open.map((name) => {
      const range = defaultRange(name, base);
      return { name, min: minValue ?? range.min, max: maxValue ?? range.max };
    }),
    ...tuned,
  ];
  checkParameters(parameters);
  checkEffect(
    parameters.map(({ name }) => name),
    base.operation,
  );
  for (const { name } of parameters) refuseFixed(name, flags);
  return parameters;
}

/** `name:min:max[:step]`, where a name may hold colons itself. */
function parseTune(text: string): Parameter {
  const [, name, min, max, step] = /^(.+?):(\d+):(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (name === undefined)
    throw new UsageError(
      'bad-range',
      `Expected --tune to be name:min:max or name:min:max:step, got "${text}".`,
    );
  return {
    name: parameterOf(name),
    min: Number(min),
    max: Number(max),
    ...(step === undefined ? {} : { step: Number(step) }),
  };
}

function namesOf(flags: SearchFlags, { operation }: BenchmarkConfig): ParameterName[] {
  const { searchParam, tune, efSearch, numClients } = flags;
  if (searchParam === 'both') {
    if (!hasRecall(operation))
      throw new UsageError(
        'no-recall',
        `Expected --search-param num_clients: ${operation} has no ef_search.`,
      );
    return ['efSearch', 'numClients'];
  }
  if (searchParam !== undefined) return [parameterOf(searchParam)];
  if (tune !== undefined) return [];
  const names: ParameterName[] = [
    ...(efSearch === undefined && hasRecall(operation) ? ['efSearch' as const] : []),
    ...(numClients === undefined ? ['numClients' as const] : []),
  ];
  if (names.length > 0) return names;
  throw new UsageError(
    'nothing-to-search',
    'Expected something to search, but --num-clients is given, and so is --ef-search or there is none: leave one out, ' +
      'name another with --tune name:min:max, or run that point alone with: stagewatch bench',
  );
}

/** No ef below k: servers look at k candidates at least. */
function defaultRange(name: ParameterName, { k }: BenchmarkConfig): { min: number; max: number } {
  if (name === 'efSearch') return { min: Math.max(EF.min, k), max: Math.max(EF.max, 10 * k) };
  if (name === 'numClients') return CLIENTS;
  if (name === 'numThreads') return { min: 1, max: availableParallelism() };
  throw new UsageError(
    'bad-range',
    `Expected a range for ${flagName(name)}: --tune ${flagName(name)}:min:max.`,
  );
}

/** Both a value and a search for it: one of them is a slip. */
function refuseFixed(name: ParameterName, flags: SearchFlags): void {
  const given: unknown = flags[name as keyof SearchFlags];
  if (given === undefined || !['efSearch', 'numClients', 'numThreads', 'pipeline', 'dataSize'].includes(name))
    return;
  throw new UsageError(
    'fixed-parameter',
    `Expected --${flagName(name).replaceAll('_', '-')} or a search for it, got both.`,
  );
}

/** As users write it: `num_clients`. */
export function flagName(name: ParameterName): string {
  if (name.startsWith('config:')) return name;
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
