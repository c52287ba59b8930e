import { StagewatchError } from '../error.ts';
import { ControlClient, type ServerAddress } from './client.ts';
import { type ClusterNode, clusterNodesOf } from './cluster.ts';
import { parseInfo } from './info.ts';

/** Which of these processes of this machine listen on a TCP port. */
export type WhoListens = (port: number, pids: Iterable<number>) => readonly number[];

/**
 * The process that answers at an address, as INFO names it, when it is one of this machine: a PID of another machine
 * or of a container means another process here, or none.
 * @param whoListens whoListensOn of src/target, which may not be imported from here.
 * @throws {StagewatchError} not-local; and when the server cannot be asked.
 */
export async function processIdOf(address: ServerAddress, whoListens: WhoListens): Promise<number> {
  await using client = new ControlClient(address);
  const info = parseInfo(await client.askText(['INFO', 'server']));
  const pid = info.number('process_id');
  if (pid === undefined)
    throw new StagewatchError('not-a-server', `${client.where}: expected INFO to name its process_id`);
  if (whoListens(address.port, [pid]).includes(pid)) return pid;
  throw new StagewatchError(
    'not-local',
    `${client.where}: expected PID ${pid}, which INFO names, to be a process of this machine that listens on port ${address.port}; it is not. Is the server elsewhere, or in a container? --server-pid says which process it is here`,
  );
}

export type ClusterProcess =
  | { readonly state: 'local'; readonly node: ClusterNode; readonly pid: number }
  | { readonly state: 'not-local'; readonly node: ClusterNode; readonly reason: string };

/**
 * The processes of a cluster's nodes that run on this machine. Nodes that have failed are left out.
 * @throws {StagewatchError} when the first server cannot be asked.
 */
export async function clusterProcessesOf(
  address: ServerAddress,
  whoListens: WhoListens,
): Promise<ClusterProcess[]> {
  const nodes = await clusterNodesOf(address);
  return Promise.all(
    nodes
      .filter(({ failed }) => !failed)
      .map(async (node): Promise<ClusterProcess> => {
        try {
          const pid = await processIdOf({ ...address, host: node.host, port: node.port }, whoListens);
          return { state: 'local', node, pid };
        } catch (error) {
          if (!(error instanceof StagewatchError)) throw error;
          return { state: 'not-local', node, reason: error.message };
        }
      }),
  );
}
