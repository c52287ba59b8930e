import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import { BenchmarkError } from '../error.ts';
import type { ResultWarning } from '../result.ts';
import type { IdentifiedBinary } from './identify.ts';
import { requireVectors } from './judge/recall.ts';
import type { BenchmarkProgram } from './program-driver.ts';
import { endText, printedLast, type ProgramRun } from './program-run.ts';
import { isMix, isVectorOperation, normalised, refusePassword, refuseSecretArguments } from './settings.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { datasetOf, indexOf, requestsOf, valkeyBenchRsArguments } from './valkey-bench-rs-arguments.ts';
import { readBenchRs } from './valkey-bench-rs-result.ts';

/** vec-delete is not among them: its own vec-del leaves the neighbours of the ground truth where they are. */
const operations: ReadonlySet<string> = new Set([
  ...[
    'ping',
    'set',
    'get',
    'incr',
    'lpush',
    'rpush',
    'lpop',
    'rpop',
    'sadd',
    'spop',
    'hset',
    'zadd',
    'zpopmin',
  ],
  ...['lrange_100', 'lrange_300', 'lrange_500', 'lrange_600', 'mset', 'vec-load', 'vec-query', 'vec-update'],
]);

/** valkey-bench-rs: key-value operations, mixes, and vectors with recall. */
export function valkeyBenchRsProgram(binary: IdentifiedBinary): BenchmarkProgram {
  const argv = (config: BenchmarkConfig, cluster: boolean, outputFile?: string): string[] => [
    binary.path,
    ...valkeyBenchRsArguments(config, {
      cluster,
      binary,
      ...(outputFile === undefined ? {} : { outputFile }),
    }),
  ];
  return {
    name: 'valkey-bench-rs',
    binary: binary.path,
    version: `${binary.program} ${binary.version}`,
    countsErrors: false,
    supports,
    check(config) {
      refusePassword(
        config,
        binary.program,
        'it does not give them to its connections, and reports success with nothing written',
      );
      refuseSecretArguments(config);
      refuseWithoutEffect(config, binary.program);
      argv(config, config.cluster ?? false);
    },
    commandLine: (config) => argv(config, config.cluster ?? false),
    async measure(config, { facts, watch, exec }) {
      // It makes an empty index where there is none, waits for it, and reports recall 0.
      const asked = isVectorOperation(config.operation)
        ? config.with({ searchIndex: indexOf(config, datasetOf(config, binary.program)).index })
        : config;
      if (config.operation === 'vec-query')
        await requireVectors(watch, asked.searchIndex!, loadCommand(config, asked.searchIndex!));
      await using folder = await temporaryFolder();
      const file = binary.flags.has('-o') ? join(folder.path, 'result.json') : undefined;
      const run = await exec(argv(config, config.cluster ?? facts.isCluster ?? false, file));
      checkEnd(run, binary.program);
      const json = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
      const reading = readBenchRs(run, json, config, binary.program);
      return { ...reading, warnings: [...reading.warnings, ...warningsOf(config, run, binary)] };
    },
  };
}

function supports(operation: string): boolean {
  const entries = normalised(operation).split(',');
  if (!isMix(operation)) return entries.length === 1 && operations.has(entries[0]!);
  return entries.every((entry) => {
    const [name = '', share = ''] = entry.split(':');
    return operations.has(name) && !isVectorOperation(name) && Number(share) > 0;
  });
}

/** What it takes, and then does not do, in 0.1.0. */
const withoutEffect: ReadonlySet<string> = new Set([
  ...[
    '--dbnum',
    '--composite',
    '--command',
    '-s',
    '--num-vectors',
    '--cleanup',
    '--output-format',
    '--warmup',
  ],
]);

/** @throws {UsageError} no-effect. */
function refuseWithoutEffect(config: BenchmarkConfig, program: string): void {
  const { warmupMs, noContent, prefixArgs, extraArgs } = config;
  const given = [
    ...(warmupMs === undefined ? [] : ['--warmup']),
    ...(noContent ? [] : ['noContent: false']),
    ...[...prefixArgs, ...extraArgs].filter((word) => withoutEffect.has(word.split('=')[0]!)),
  ];
  if (given.length === 0) return;
  throw new UsageError(
    'no-effect',
    `Expected no ${given.join(' or ')} with ${program}: it takes that without a word, and does not do it. Leave it out, or use --driver builtin.`,
  );
}

function loadCommand({ host, port, dataset = '' }: BenchmarkConfig, index: string): string {
  return `stagewatch load -h ${host} -p ${port} -t vec-load --dataset ${dataset} --search-index ${index}`;
}

/** It exits 0 for many failures, but never otherwise for a success. @throws {BenchmarkError} benchmark-failed. */
function checkEnd({ end, lastLines }: ProgramRun, program: string): void {
  if (end.state === 'exited' && end.exitCode === 0) return;
  throw new BenchmarkError(
    'benchmark-failed',
    `${program} ended with ${endText(end)}. ${printedLast(lastLines)}`,
    { lastLines },
  );
}

function warningsOf(
  config: BenchmarkConfig,
  { stderr }: ProgramRun,
  binary: IdentifiedBinary,
): ResultWarning[] {
  const warnings: ResultWarning[] = [];
  const clients = /^Note: Using (\d+) total clients.*$/m.exec(stderr);
  if (clients && Number(clients[1]) !== config.numClients)
    warnings.push({
      code: 'other-clients',
      message: `It used ${clients[1]} connections where ${config.numClients} were asked for: it has as many in each thread, and for each node.`,
    });
  if (config.pipeline > 1 && !isVectorOperation(config.operation))
    warnings.push({
      code: 'repeated-keys',
      message: `All ${config.pipeline} requests of a batch have the same key: caches help more than they would.`,
    });
  if (config.durationMs === undefined && requestsOf(config) !== config.numRequests)
    warnings.push({
      code: 'rounded-requests',
      message: `${requestsOf(config)} requests were made where ${config.numRequests} were asked for: it makes whole batches of ${config.pipeline}.`,
    });
  if (config.extraArgs.length > 0) warnings.push(extraWarning(config.extraArgs, binary));
  return warnings;
}

/** It swallows a flag that it does not know, and all that follows it, without a word. */
function extraWarning(extraArgs: readonly string[], { program, flags }: IdentifiedBinary): ResultWarning {
  const unknown = extraArgs.find((word) => /^--?[A-Za-z]/.test(word) && !flags.has(word.split('=')[0]!));
  return {
    code: 'extra-arguments',
    message:
      unknown === undefined
        ? `Passed on as it is: ${extraArgs.join(' ')}`
        : `${unknown} is not in the help of ${program}: it ignores that, and all that follows it, without a word.`,
  };
}
