import type { ControlClient } from '../valkey/client.ts';
import { type Info, parseInfo } from '../valkey/info.ts';

/** What a server had sent and received until one moment. */
export interface NetSnapshot {
  readonly info: Info;
  /** Of that snapshot's own reply, and of a plain INFO: what we and the benchmark ask beside the load. */
  readonly ownReplyBytes: number;
  readonly infoReplyBytes: number;
}

export interface RequestBytes {
  readonly requests: number;
  /** Of one request, as the server received it. */
  readonly inPerRequest: number;
  /** Of one reply, as the server sent it. */
  readonly outPerRequest: number;
}

/** `*1\r\n$4\r\nINFO\r\n` and `*1\r\n$4\r\nPING\r\n`. */
const askBytes = 14;
/** `+PONG\r\n` */
const pongBytes = 7;

/** @throws {StagewatchError} when it cannot be asked. */
export async function netSnapshot(client: ControlClient): Promise<NetSnapshot> {
  const plain = await client.askText(['INFO']);
  const everything = await client.askText(['INFO', 'everything']);
  return {
    info: parseInfo(everything),
    ownReplyBytes: wireBytes(everything),
    infoReplyBytes: wireBytes(plain),
  };
}

/**
 * Bytes of each request and reply between two snapshots, without what was asked beside them (INFO, PING).
 * @param commands of the load, as INFO has them: `get`, `ft.search`.
 * @returns undefined where the server counts no commands, or there were none.
 */
export function bytesBetween(
  before: NetSnapshot,
  after: NetSnapshot,
  commands: readonly string[],
): RequestBytes | undefined {
  const grown = (field: string): number => (after.info.number(field) ?? 0) - (before.info.number(field) ?? 0);
  const calls = (name: string): number =>
    (after.info.commands.get(name)?.calls ?? 0) - (before.info.commands.get(name)?.calls ?? 0);
  const requests = commands.reduce((sum, name) => sum + calls(name), 0);
  if (requests <= 0) return undefined;
  // A command is counted when it is done, and its reply when it is written: that of `before` is in between, as is the
  // plain INFO of `after`.
  const infos = calls('info');
  const aside = {
    in: (infos + calls('ping')) * askBytes,
    out: before.ownReplyBytes + Math.max(0, infos - 1) * before.infoReplyBytes + calls('ping') * pongBytes,
  };
  return {
    requests,
    inPerRequest: Math.max(0, grown('total_net_input_bytes') - aside.in) / requests,
    outPerRequest: Math.max(0, grown('total_net_output_bytes') - aside.out) / requests,
  };
}

/** Of a bulk string. */
function wireBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return String(length).length + length + 5;
}
