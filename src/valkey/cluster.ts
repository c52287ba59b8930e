import { ControlClient, type ServerAddress } from './client.ts';

export interface ClusterNode {
  readonly id: string;
  /** Empty where the node does not know it yet. */
  readonly host: string;
  readonly port: number;
  readonly role: 'primary' | 'replica';
  /** The node that we asked. */
  readonly myself: boolean;
  /** The cluster holds it for failed, or does not know its address. */
  readonly failed: boolean;
  /** Of a replica. */
  readonly primaryId?: string;
  /** First and last slot of each range. */
  readonly slots: readonly (readonly [first: number, last: number])[];
}

/** Of `CLUSTER NODES`; lines that are none are left out. */
export function parseClusterNodes(text: string): ClusterNode[] {
  return text.split('\n').flatMap((line) => {
    const [id = '', address = '', flagText = '', primaryId = '', , , , , ...slotWords] = line
      .trim()
      .split(' ');
    // ip:port@busport,hostname: an IPv6 address has colons itself.
    const [, host = '', port = ''] = /^(.*):(\d+)(?:@\d+)?(?:,.*)?$/.exec(address) ?? [];
    const flags = new Set(flagText.split(','));
    if (!/^[0-9a-f]{40}$/.test(id) || port === '') return [];
    const replica = flags.has('slave') || flags.has('replica');
    return [
      {
        id,
        host,
        port: Number(port),
        role: replica ? ('replica' as const) : ('primary' as const),
        myself: flags.has('myself'),
        failed: flags.has('fail') || flags.has('noaddr') || flags.has('handshake'),
        ...(replica && primaryId !== '-' ? { primaryId } : {}),
        slots: slotWords.flatMap((word) => rangeOf(word)),
      },
    ];
  });
}

/** `0-5460`, `5461`; a slot on the move is `[93->-id]`, and still with its old node. */
function rangeOf(word: string): (readonly [number, number])[] {
  const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(word);
  return range ? [[Number(range[1]), Number(range[2] ?? range[1])]] : [];
}

/**
 * All nodes of the cluster that a server belongs to; none when it is no cluster.
 * @throws {StagewatchError} when the server cannot be asked.
 */
export async function clusterNodesOf(address: ServerAddress): Promise<ClusterNode[]> {
  await using client = new ControlClient(address);
  const [answer] = await client.ask([['CLUSTER', 'NODES']]);
  if (answer?.state === 'refused') {
    if (answer.error.code === 'error-reply') return [];
    throw answer.error;
  }
  // A node that nobody has met yet does not know its own address.
  return parseClusterNodes(String(answer?.reply)).map((node) =>
    node.host === '' ? { ...node, host: address.host } : node,
  );
}
