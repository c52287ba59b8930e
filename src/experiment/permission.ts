import { lookup } from 'node:dns/promises';
import { StagewatchError, UsageError } from '../error.ts';
import type { ControlClient, ServerAddress } from '../valkey/client.ts';
import { parseInfo } from '../valkey/info.ts';

/** How much harm could be done there. */
export interface ServerCondition {
  readonly onLoopback: boolean;
  /** Of all its databases; undefined when it does not tell us. */
  readonly keys: number | undefined;
}

/**
 * Refuses what changes or destroys, on a server that is not on loopback or is not empty, unless the user said --yes.
 * The one place that decides this.
 * @param what is about to happen: `CONFIG SET io-threads`, `FLUSHALL`.
 * @throws {UsageError} needs-yes. @throws {StagewatchError} when the server cannot be asked.
 */
export async function demandPermission(
  client: ControlClient,
  address: ServerAddress,
  what: string,
  yes: boolean,
): Promise<ServerCondition> {
  const condition = await conditionOf(client, address);
  const reasons = [
    ...(condition.onLoopback ? [] : ['it is not on loopback']),
    ...(condition.keys === undefined ? ['it does not tell whether it is empty'] : []),
    ...(condition.keys
      ? [`it holds ${condition.keys.toLocaleString('en-US')} ${condition.keys === 1 ? 'key' : 'keys'}`]
      : []),
  ];
  if (yes || reasons.length === 0) return condition;
  throw new UsageError(
    'needs-yes',
    `Expected --yes for ${what} on ${client.where}, since ${reasons.join(' and ')}.`,
  );
}

async function conditionOf(client: ControlClient, address: ServerAddress): Promise<ServerCondition> {
  // A user without the right to INFO may still be right to change what he is allowed to: then --yes says so.
  const keys = await client.askText(['INFO', 'keyspace']).then(
    (text) => [...parseInfo(text).keyspace.values()].reduce((sum, database) => sum + database.keys, 0),
    (error: unknown) => {
      if (error instanceof StagewatchError && error.code === 'not-permitted') return undefined;
      throw error;
    },
  );
  return { onLoopback: address.socket !== undefined || (await isLoopback(address.host)), keys };
}

/** Whether all addresses that a name stands for are this machine's own. */
export async function isLoopback(host: string): Promise<boolean> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.length > 0 && found.every(({ address }) => /^127\.|^::1$|^::ffff:127\./i.test(address));
}
