import { setTimeout as sleep } from 'node:timers/promises';
import { SLOTS } from '../../src/load/cluster.ts';
import { ControlLink } from '../../src/load/control-link.ts';
import { isRespArray, textOf } from '../../src/valkey/resp.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { local } from './support.ts';

export interface RunningCluster extends AsyncDisposable {
  readonly ports: readonly number[];
  /** Moves slots from the first node to the second one, keys and all, as a resharding does. Returns how many. */
  moveSlots(first: number, count: number): Promise<number>;
}

/** Three primaries without replicas, each with a third of the slots. */
export async function startCluster(): Promise<RunningCluster> {
  const servers: RunningServer[] = [];
  const links: ControlLink[] = [];
  const dispose = async (): Promise<void> => {
    for (const link of links) link.close();
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
  try {
    for (let i = 0; i < 3; i++)
      servers.push(
        await startServer({ args: ['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${i}.conf`] }),
      );
    for (const { port } of servers) links.push(await ControlLink.open(local(port)));
    const third = Math.ceil(SLOTS / 3);
    for (const [i, link] of links.entries()) {
      await link.demand(['CLUSTER', 'ADDSLOTSRANGE', i * third, Math.min(SLOTS, (i + 1) * third) - 1]);
      await link.demand(['CLUSTER', 'MEET', '127.0.0.1', servers[0]!.port]);
    }
    for (const link of links) await untilOk(link);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ports: servers.map(({ port }) => port),
    moveSlots: (first, count) => moveSlots(links[0]!, links[1]!, first, count),
    [Symbol.asyncDispose]: dispose,
  };
}

async function untilOk(link: ControlLink): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const info = textOf(await link.demand(['CLUSTER', 'INFO'])) ?? '';
    if (/cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info) && /cluster_size:3/.test(info))
      return;
    await sleep(50);
  }
  throw new Error('the cluster did not form within 20 s');
}

async function moveSlots(from: ControlLink, to: ControlLink, first: number, count: number): Promise<number> {
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (link) => textOf(await link.demand(['CLUSTER', 'MYID']))!),
  );
  for (let slot = first; slot < first + count; slot++) {
    await to.demand(['CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId!]);
    await from.demand(['CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId!]);
    for (;;) {
      const keys = await from.demand(['CLUSTER', 'GETKEYSINSLOT', slot, 100]);
      if (!isRespArray(keys) || keys.length === 0) break;
      const names = keys.map((key) => textOf(key)!);
      await from.demand(['MIGRATE', '127.0.0.1', to.address.port, '', 0, 5000, 'REPLACE', 'KEYS', ...names]);
    }
    for (const link of [to, from]) await link.demand(['CLUSTER', 'SETSLOT', slot, 'NODE', toId!]);
  }
  return count;
}
