import { isIP } from 'node:net';
import { UsageError } from '../error.ts';
import { type HnswProviderName, hnswProviders } from './vector/provider.ts';

export interface EngineOptions {
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** The address to listen on; 127.0.0.1 without. */
  readonly bind?: string;
  /** What clients must give with AUTH. Required where others than this machine can connect. */
  readonly password?: string;
  /** Connections at one time; 10000 without. */
  readonly maxClients?: number;
  /** Without: the addon where it could be built, else our own. */
  readonly hnsw?: HnswProviderName;
  /** Names for JavaScript frames in perf, through a map in /tmp; yes without. */
  readonly perfMap?: boolean;
}

/** Options with all that was left out. Goes to the engine's process as JSON. */
export interface EngineJob {
  readonly port: number;
  readonly bind: string;
  readonly password?: string;
  readonly maxClients: number;
  readonly hnsw?: HnswProviderName;
}

/** What the process answers. */
export type EngineReport =
  | { readonly state: 'ready'; readonly port: number; readonly pid: number; readonly hnsw: HnswProviderName }
  | { readonly state: 'failed'; readonly code: string; readonly message: string };

/** Checks options. @throws UsageError */
export function toJob(options: EngineOptions): EngineJob {
  const { port = 0, bind = '127.0.0.1', password, maxClients = 10_000, hnsw } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError('engine-port', `Expected port to be a whole number from 0 to 65535, got ${port}`);
  if (isIP(bind) === 0)
    throw new UsageError('engine-bind', `Expected bind to be an IP address, like 127.0.0.1, got "${bind}"`);
  if (!isLoopback(bind) && !password)
    throw new UsageError(
      'engine-open',
      `Expected a password for ${bind}, which other machines can reach, got none: give one with --requirepass, or stay on 127.0.0.1`,
    );
  if (password === '') throw new UsageError('engine-password', 'Expected a password, got an empty one');
  if (!Number.isInteger(maxClients) || maxClients < 1)
    throw new UsageError(
      'engine-clients',
      `Expected maxClients to be a whole number over 0, got ${maxClients}`,
    );
  if (hnsw !== undefined && !hnswProviders.includes(hnsw))
    throw new UsageError(
      'engine-hnsw',
      `Expected hnsw to be one of ${hnswProviders.join(', ')}, got "${String(hnsw)}"`,
    );
  return {
    port,
    bind,
    maxClients,
    ...(password === undefined ? {} : { password }),
    ...(hnsw === undefined ? {} : { hnsw }),
  };
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
