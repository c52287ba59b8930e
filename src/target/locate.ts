import { StagewatchError } from '../error.ts';
import { type ClusterProcess, clusterProcessesOf, processIdOf } from '../valkey/client-process.ts';
import type { ServerAddress } from '../valkey/client.ts';
import { run } from '../perf/run.ts';
import type { Host } from './contract.ts';
import type { TargetQuery } from './find.ts';
import { findServers, defaultServerNames } from './server-process.ts';
import { listPids, readProcess } from './process.ts';
import { pidNamespace } from './namespace.ts';
import { whoListensOn } from './sockets.ts';

/** A server that must be asked for, before it can be looked for. */
export type TargetPlace =
  /** The process that answers there, as INFO names it. */
  | { readonly in: 'address'; readonly address: ServerAddress }
  /** Several of them, each by its address, as far as they run here. */
  | { readonly in: 'addresses'; readonly addresses: readonly ServerAddress[] }
  /** All processes of the cluster that answers there, as far as they run here. */
  | { readonly in: 'cluster'; readonly address: ServerAddress }
  /** The server within a container of this machine. */
  | { readonly in: 'container'; readonly container: string };

/** Programs that know the containers of a machine; their inspect commands are alike. */
const CONTAINER_TOOLS = ['docker', 'podman', 'nerdctl'] as const;

/**
 * Which processes of this machine are meant.
 * @throws {StagewatchError} what says why they cannot be told: not-local, wrong-password, no-such-container, ...
 */
export async function locateTarget(place: TargetPlace, host: Host): Promise<TargetQuery> {
  if (place.in === 'address') return { by: 'pid', pid: await processIdOf(place.address, whoListensOn) };
  if (place.in === 'addresses') return { by: 'pids', pids: await localPids(place.addresses) };
  if (place.in === 'container')
    return { by: 'pid', pid: serverIn(await containerPid(place.container, host), place.container) };
  const processes = await clusterProcessesOf(place.address, whoListensOn);
  const local = processes.filter(
    (found): found is ClusterProcess & { state: 'local' } => found.state === 'local',
  );
  if (local.length === 0)
    throw new StagewatchError(
      'not-local',
      `Expected nodes of the cluster at ${place.address.host}:${place.address.port} to run on this machine, found none of ${processes.length}`,
    );
  return { by: 'pids', pids: local.map(({ pid }) => pid) };
}

/** Those elsewhere are left out, unless all are. */
async function localPids(addresses: readonly ServerAddress[]): Promise<number[]> {
  const asked = await Promise.allSettled(addresses.map((address) => processIdOf(address, whoListensOn)));
  const pids = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = asked.find((one) => one.status === 'rejected');
  if (pids.length === 0 && refused) throw refused.reason;
  return [...new Set(pids)];
}

/** The first process of a container, as this machine numbers it. */
async function containerPid(container: string, host: Host): Promise<number> {
  // A name that begins with a dash would be taken for an option.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(container))
    throw new StagewatchError(
      'no-such-container',
      `Expected --container to be a name or an id, got "${container}"`,
    );
  const said: string[] = [];
  for (const tool of CONTAINER_TOOLS) {
    const { end, stdout, stderr } = await run(host, [
      tool,
      'inspect',
      '--format',
      '{{.State.Pid}}',
      container,
    ]);
    if (end.state === 'not-started') continue;
    const pid = Number(stdout.trim());
    if (end.state === 'exited' && end.exitCode === 0 && Number.isSafeInteger(pid) && pid > 0) return pid;
    said.push(`${tool}: ${stderr.trim() || stdout.trim() || 'it does not run'}`);
  }
  throw new StagewatchError(
    'no-such-container',
    said.length > 0
      ? `Expected container ${container} to run; ${said.join('; ')}`
      : `Expected one of ${CONTAINER_TOOLS.join(', ')} to tell of container ${container}, found none: --server-pid says which process it is`,
  );
}

/** The server among the processes that share the container's PID namespace. */
function serverIn(first: number, container: string): number {
  const namespace = pidNamespace(first);
  const inside = listPids()
    .filter((pid) => namespace !== undefined && pidNamespace(pid) === namespace)
    .map((pid) => readProcess(pid))
    .filter((found) => found !== undefined);
  const servers = findServers(inside, defaultServerNames);
  const [server] = servers;
  // Most often the container is the server.
  if (servers.some(({ pid }) => pid === first)) return first;
  if (server && servers.length === 1) return server.pid;
  throw new StagewatchError(
    'no-server-in-container',
    `Expected one ${defaultServerNames.join(' or ')} in container ${container}, found ${servers.length} among ${inside.length} processes`,
  );
}
