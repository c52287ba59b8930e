import { textOf } from '../valkey/resp.ts';
import { nodesOf, tagsOf, type ClusterNode } from './cluster.ts';
import type { ControlLink } from './control-link.ts';
import { LoadError } from './error.ts';
import { addressText, nodeAddress, type ServerAddress } from './options.ts';
import type { BaseRtt } from './result.ts';
import type { NodePlan } from './thread-plan.ts';

const RTT_SAMPLES = 1_000;
const RTT_MS = 300;

export interface ServerFacts {
  readonly program: string;
  readonly version: string;
  readonly isCluster: boolean;
}

/** What serves there. Some of it may be hidden from us: then it is unknown. */
export async function readServer(control: ControlLink): Promise<ServerFacts> {
  const info = textOf(await control.ask(['INFO'])) ?? '';
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  return {
    program: field('server_name') ?? (valkey === undefined ? 'redis' : 'valkey'),
    // The engine's redis_version is what it is compatible with.
    version: valkey ?? field('stagewatch_version') ?? field('redis_version') ?? 'unknown',
    isCluster: field('cluster_enabled') === '1',
  };
}

/** PING one after the other on a connection of its own: what any request costs at least. */
export async function measureBaseRtt(control: ControlLink, signal: AbortSignal): Promise<BaseRtt> {
  const samples: number[] = [];
  const begunMs = performance.now();
  let lastMs = begunMs;
  while (
    samples.length < RTT_SAMPLES &&
    lastMs - begunMs < RTT_MS &&
    !(signal.aborted && samples.length > 0)
  ) {
    await control.demand(['PING']);
    const nowMs = performance.now();
    samples.push(nowMs - lastMs);
    lastMs = nowMs;
  }
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    samples[Math.min(samples.length - 1, Math.floor(share * samples.length))]!;
  return {
    samples: samples.length,
    avgMs: samples.reduce((sum, ms) => sum + ms, 0) / samples.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

/** @throws {LoadError} no-cluster */
export async function readNodes(control: ControlLink): Promise<ClusterNode[]> {
  const reply = await control.ask(['CLUSTER', 'SLOTS']);
  const nodes = nodesOf(reply, control.address);
  if (nodes.length > 0) return nodes;
  throw new LoadError(
    'no-cluster',
    `Expected a cluster with --cluster, but ${addressText(control.address)} serves no slots as one. Leave --cluster out, or add the nodes.`,
  );
}

/** Spreads clients evenly: over threads, and within the whole over nodes. One list of nodes for each thread. */
export function spreadClients(
  server: ServerAddress,
  nodes: readonly ClusterNode[] | undefined,
  clients: number,
  threads: number,
): NodePlan[][] {
  const places = nodes?.map((node) => ({
    address: nodeAddress(server, node),
    tags: tagsOf(node),
  })) ?? [{ address: server, tags: [] }];
  const plans = Array.from({ length: threads }, () => places.map((place) => ({ ...place, clients: 0 })));
  for (let i = 0; i < clients; i++) {
    // Client i goes to node i modulo nodes; within a node the threads take turns.
    const node = i % places.length;
    plans[(Math.floor(i / places.length) + node) % threads]![node]!.clients++;
  }
  return plans.map((plan) => plan.filter((node) => node.clients > 0));
}
