import { accessSync, constants } from 'node:fs';
import { BenchmarkConfig, type BenchmarkSettings } from '../bench/config.ts';
import { detectDatasetInfo, requireDatasetPath } from '../bench/dataset/names.ts';
import { messageOf, UsageError } from '../error.ts';
import { splitWords } from '../experiment/split-words.ts';
import type { TargetQuery } from '../target/find.ts';
import type { TargetPlace } from '../target/locate.ts';
import type { ServerAddress } from '../valkey/client.ts';
import { credentialsOf, Secret, type TlsFiles } from '../valkey/credentials.ts';
import type { BenchFlags } from './bench-flags.ts';
import { toTarget } from './monitor-flags.ts';

/**
 * The one step from flags to what each run has in common.
 * @throws {UsageError} bad-config, tls-flags, tls-file, user-without-password, no-dataset, bad-setting, and of a dataset that
 *   cannot be read.
 */
export async function toBaseConfig(flags: BenchFlags, env: NodeJS.ProcessEnv): Promise<BenchmarkConfig> {
  const given = flags.pass === undefined ? {} : { password: new Secret(flags.pass) };
  const { password } = credentialsOf(given, env);
  if (flags.user !== undefined && password === undefined)
    throw new UsageError(
      'user-without-password',
      'Expected a password with --user: in VALKEYCLI_AUTH, or with -a.',
    );
  const dataset = await datasetOf(flags);
  const tls = toTls(flags);
  const settings: { -readonly [Name in keyof BenchmarkSettings]: BenchmarkSettings[Name] | undefined } = {
    host: flags.host,
    port: flags.port,
    operation: flags.operation,
    dataset,
    numClients: flags.numClients,
    numThreads: flags.numThreads,
    numRequests: flags.numRequests,
    durationMs: flags.duration,
    warmupMs: flags.warmup,
    timeoutMs: flags.timeout,
    pipeline: flags.pipeline,
    rps: flags.rps,
    keyspace: flags.keyspace,
    dataSize: flags.dataSize,
    seed: flags.seed,
    efSearch: flags.efSearch,
    k: flags.k,
    searchIndex: flags.searchIndex,
    searchPrefix: flags.searchPrefix,
    searchVectorField: flags.searchVectorField,
    cluster: flags.cluster,
    allowErrors: flags.allowErrors,
    user: flags.user,
    auth: password,
    tls,
    ...(flags.driverArgs === undefined ? {} : { extraArgs: splitWords(flags.driverArgs, '--driver-args') }),
    ...(flags.setConfig === undefined ? {} : { serverConfig: settingsOf(flags.setConfig) }),
  };
  return new BenchmarkConfig(settings as BenchmarkSettings);
}

/** Where the server that is measured answers. */
export function addressOf({ host, port, user, auth, tls }: BenchmarkConfig): ServerAddress {
  return {
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(auth === undefined ? {} : { password: auth }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Which process is profiled: the one that is measured, unless another is named. @throws {UsageError} target. */
export function toBenchTarget(flags: BenchFlags, config: BenchmarkConfig): TargetQuery | TargetPlace {
  const { serverPid, serverPort, serverName, container } = flags;
  if ([serverPid, serverPort, serverName, container].some((flag) => flag !== undefined)) {
    const { host: _, port: _2, cluster: _3, ...named } = flags;
    return toTarget(named);
  }
  return { in: flags.cluster ? 'cluster' : 'address', address: addressOf(config) };
}

/** A path that means the same wherever it is used: a session may be resumed from another folder. */
async function datasetOf({ operation = 'vec-query', dataset }: BenchFlags): Promise<string | undefined> {
  if (!operation.startsWith('vec-')) return dataset;
  if (dataset === undefined)
    throw new UsageError('no-dataset', `Expected --dataset with ${operation}: a file, or its name.`);
  const path = await requireDatasetPath(dataset);
  await detectDatasetInfo(path); // refuses what is no dataset before anything is started
  return path;
}

function toTls(flags: BenchFlags): TlsFiles | undefined {
  const { tlsCaCert, tlsCert, tlsKey, tlsSni, tlsSkipVerify } = flags;
  if (!flags.tls) {
    if ([tlsCaCert, tlsCert, tlsKey, tlsSni, tlsSkipVerify].some((value) => value !== undefined))
      throw new UsageError('tls-flags', 'Expected --tls with the other --tls-... flags.');
    return undefined;
  }
  for (const [flag, file] of [
    ['--tls-ca-cert', tlsCaCert],
    ['--tls-cert', tlsCert],
    ['--tls-key', tlsKey],
  ] as const)
    if (file !== undefined) checkReadable(flag, file);
  return {
    ...(tlsCaCert === undefined ? {} : { ca: tlsCaCert }),
    ...(tlsCert === undefined ? {} : { cert: tlsCert }),
    ...(tlsKey === undefined ? {} : { key: tlsKey }),
    ...(tlsSni === undefined ? {} : { sni: tlsSni }),
    ...(tlsSkipVerify === undefined ? {} : { skipVerify: tlsSkipVerify }),
  };
}

/** @throws {UsageError} tls-file: a slip is told before a session is made. */
function checkReadable(flag: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new UsageError(
      'tls-file',
      `Expected ${flag} to be a file that can be read, got "${file}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

function settingsOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1)
        throw new UsageError('bad-setting', `Expected --set-config to be NAME=VALUE, got "${pair}".`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
