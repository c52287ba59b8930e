import { readFileSync } from 'node:fs';
import { UsageError, messageOf } from '../error.ts';
import { commandOf, isVectorOperation, type Keying } from '../load/operations.ts';
import type { LoadOptions, LoadWork, ServerAddress, TlsOptions } from '../load/options.ts';
import type { LoadFlags } from './load-flags.ts';

/** The one step from flags to options: one for each load, in order. @throws {UsageError} */
export function toLoadOptions(
  flags: LoadFlags,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): LoadOptions[] {
  const server = toServer(flags, environment);
  return toWorks(flags, words).map((work): LoadOptions => {
    const { clients, threads, pipeline, seed, rps, keyspace, requests, duration, warmup } = flags;
    return {
      server,
      work,
      clients,
      threads,
      pipeline,
      seed,
      dataBytes: flags.dataSize,
      cluster: flags.cluster ?? false,
      timeoutMs: flags.timeout,
      ...(requests !== undefined && { length: { requests } }),
      ...(duration !== undefined && { length: { durationMs: duration } }),
      ...(rps !== undefined && { rps }),
      ...(keyspace !== undefined && { keyspace }),
      ...(warmup !== undefined && { warmupMs: warmup }),
    };
  });
}

function toServer(flags: LoadFlags, environment: NodeJS.ProcessEnv): ServerAddress {
  const password = flags.pass ?? environment['VALKEYCLI_AUTH'] ?? environment['REDISCLI_AUTH'];
  if (flags.user !== undefined && password === undefined)
    throw new UsageError(
      'user-without-password',
      'Expected a password with --user: in VALKEYCLI_AUTH, or with -a.',
    );
  const tls = toTls(flags as LoadFlags & TlsAliases);
  return {
    host: flags.host,
    port: flags.port,
    database: flags.dbnum,
    ...(flags.socket !== undefined && { socketPath: flags.socket }),
    ...(flags.user !== undefined && { username: flags.user }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
}

/** The names that valkey-benchmark has for them. */
interface TlsAliases {
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly sni?: string;
  readonly insecure?: true;
}

function toTls(flags: LoadFlags & TlsAliases): TlsOptions | undefined {
  const ca = pem('--tls-ca-cert', flags.tlsCaCert ?? flags.cacert);
  const cert = pem('--tls-cert', flags.tlsCert ?? flags.cert);
  const key = pem('--tls-key', flags.tlsKey ?? flags.key);
  const servername = flags.tlsSni ?? flags.sni;
  const skipVerify = flags.tlsSkipVerify ?? flags.insecure ?? false;
  if (!flags.tls) {
    if ([ca, cert, key, servername].some((value) => value !== undefined) || skipVerify)
      throw new UsageError('tls-flags', 'Expected --tls with the other --tls-... flags.');
    return undefined;
  }
  if (flags.socket !== undefined) throw new UsageError('tls-socket', 'Expected -s or --tls, got both.');
  return {
    skipVerify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  };
}

function pem(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'tls-file',
      `Expected ${flag} to be a file that can be read, got "${path}": ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

function toWorks(flags: LoadFlags, words: readonly string[]): LoadWork[] {
  const keying: Keying = {
    cluster: flags.cluster ?? false,
    isRandom: flags.keyspace !== undefined,
    ...(flags.keyPrefix !== undefined && { prefix: keyPrefixOf(flags.keyPrefix) }),
  };
  if (words.length > 0) {
    if (flags.tests !== undefined)
      throw new UsageError(
        'two-works',
        `Expected -t or a command, got both: -t ${flags.tests} and ${words.join(' ')}.`,
      );
    const name = words.join(' ');
    return [{ kind: 'commands', name, commands: [{ name, words, share: 1 }] }];
  }
  if (flags.tests === undefined)
    throw new UsageError(
      'no-work',
      'Expected -t with operations (-t get), or a command: -- SET key:__rand_int__ __data__',
    );
  const entries = flags.tests.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.some((entry) => entry.includes(':'))) return [toMix(entries, keying)];
  return entries.map((name) =>
    isVectorOperation(name)
      ? toVectorWork(name, flags)
      : { kind: 'commands', name, commands: [commandOf(name, 1, keying)] },
  );
}

function toVectorWork(name: LoadWork['name'] & string, flags: LoadFlags): LoadWork {
  if (!isVectorOperation(name))
    throw new UsageError('unknown-operation', `Expected a vec-... operation, got "${name}".`);
  if (flags.dataset === undefined) throw new UsageError('no-dataset', `Expected --dataset with ${name}.`);
  return {
    kind: 'vectors',
    name,
    operation: name,
    dataset: flags.dataset,
    k: flags.k,
    field: flags.searchVectorField,
    hnswM: flags.hnswM,
    efConstruction: flags.efConstruction,
    ...(flags.efSearch !== undefined && { efSearch: flags.efSearch }),
    ...(flags.searchIndex !== undefined && { index: flags.searchIndex }),
    ...(flags.searchPrefix !== undefined && { prefix: flags.searchPrefix }),
    ...(flags.content && { content: true as const }),
  };
}

/** It must not hold what the generator replaces. */
function keyPrefixOf(prefix: string): string {
  if (!/__rand_int__|__data__|\{tag\}/.test(prefix)) return prefix;
  throw new UsageError(
    'bad-key-prefix',
    `Expected --key-prefix to be what all keys begin with, got "${prefix}": placeholders are for commands of your own.`,
  );
}

/** Shares need not add up to 1: `get:80,set:20` is `get:0.8,set:0.2`. */
function toMix(entries: readonly string[], keying: Keying): LoadWork {
  const weights = entries.map((entry) => {
    const [name, share] = entry.split(':') as [string, string?];
    const weight = Number(share);
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new UsageError(
        'bad-mix',
        `Expected each operation of a mix to have a share, like get:0.8,set:0.2, got "${entry}".`,
      );
    if (isVectorOperation(name))
      throw new UsageError('bad-mix', `Expected a mix of other operations than vec-..., got "${name}".`);
    return [name, weight] as const;
  });
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  const commands = weights.map(([name, weight]) => commandOf(name, weight / sum, keying));
  const name = commands
    .map((command) => `${command.name}:${Number((command.share * 100).toFixed(2))}%`)
    .join('+');
  return { kind: 'commands', name, commands };
}
