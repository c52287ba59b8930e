import { UsageError } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import type { ResultWarning } from '../result.ts';
import type { IdentifiedBinary } from './identify.ts';
import { threadsOf, wholeSeconds } from './settings.ts';

/**
 * With --threads the end of a run is seen by a timer of 250 ms only: 10,000 requests that took 120 ms count as 250 ms.
 * From here on that is 5 % at most.
 */
const threadsAfterMs = 5_000;
/** So many requests take that long, at the 200,000 a second that one such benchmark makes. */
const threadsAfterRequests = 1_000_000;

/**
 * What stands behind the program's name.
 * @throws {UsageError} flag-missing, for what this version does not have; whole-seconds.
 */
export function valkeyBenchmarkArguments(
  config: BenchmarkConfig,
  how: { readonly test: string; readonly cluster: boolean; readonly binary: IdentifiedBinary },
): string[] {
  const { program, version, flags } = how.binary;
  const optional = (flag: string, value?: string | number): string[] => {
    if (!flags.has(flag))
      throw new UsageError(
        'flag-missing',
        `Expected no ${flag} with ${program} ${version}, which does not have it: leave it out, or use --driver builtin.`,
      );
    return value === undefined ? [flag] : [flag, String(value)];
  };
  const { durationMs, warmupMs, rps, keyspace, seed } = config;
  return [
    ...['-h', config.host, '-p', String(config.port)],
    ...tlsArguments(config, optional),
    ...['-c', String(config.numClients)],
    ...(usesThreads(config) ? optional('--threads', threadsOf(config)) : []),
    ...(durationMs === undefined
      ? ['-n', String(config.numRequests)]
      : optional('--duration', wholeSeconds(durationMs, 'duration', program))),
    ...(warmupMs === undefined ? [] : optional('--warmup', wholeSeconds(warmupMs, 'warm-up', program))),
    ...(rps === undefined ? [] : optional('--rps', rps)),
    ...(config.pipeline === 1 ? [] : ['-P', String(config.pipeline)]),
    ...(keyspace === undefined ? [] : ['-r', String(keyspace)]),
    ...['-d', String(config.dataSize)],
    ...(seed === undefined ? [] : optional('--seed', seed)),
    ...(how.cluster ? optional('--cluster') : []),
    '--csv',
    ...config.prefixArgs,
    ...['-t', how.test],
    ...config.extraArgs,
  ];
}

/** @returns what to say where threads were asked for, but would spoil the figures. */
export function threadWarning(config: BenchmarkConfig): ResultWarning | undefined {
  if (threadsOf(config) === 1 || usesThreads(config)) return undefined;
  return {
    code: 'one-thread',
    message: `It ran with one thread and not ${config.numThreads}: with more than one this program measures in steps of 250 ms, too coarse for ${config.durationMs === undefined ? `${config.numRequests} requests` : `${config.durationMs} ms`}. It gets its threads from ${threadsAfterRequests} requests or ${threadsAfterMs / 1000} s on.`,
  };
}

function usesThreads(config: BenchmarkConfig): boolean {
  if (threadsOf(config) === 1) return false;
  const { durationMs, numRequests } = config;
  return durationMs === undefined ? numRequests >= threadsAfterRequests : durationMs >= threadsAfterMs;
}

function tlsArguments(
  { tls }: BenchmarkConfig,
  optional: (flag: string, value?: string) => string[],
): string[] {
  if (tls === undefined) return [];
  const { ca, cert, key, sni, skipVerify } = tls;
  return [
    ...optional('--tls'),
    ...(ca === undefined ? [] : optional('--cacert', ca)),
    ...(cert === undefined ? [] : optional('--cert', cert)),
    ...(key === undefined ? [] : optional('--key', key)),
    ...(sni === undefined ? [] : optional('--sni', sni)),
    ...(skipVerify ? optional('--insecure') : []),
  ];
}
