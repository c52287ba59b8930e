import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { CommandReader, ReplyReader, type Request, type RespValue } from '../../src/valkey/resp.ts';

export interface RecordingProxy extends AsyncDisposable {
  readonly port: number;
  /** Every request with its reply, of all connections. */
  exchanges(): (readonly [Request, RespValue])[];
}

/** Stands between a load and its server, and keeps what both said. */
export async function startProxy(to: number): Promise<RecordingProxy> {
  const talks: { requests: Request[]; replies: RespValue[] }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: to, host: '127.0.0.1', noDelay: true });
    const talk = { requests: [] as Request[], replies: [] as RespValue[] };
    talks.push(talk);
    const commands = new CommandReader();
    const answers = new ReplyReader();
    client.on('data', (chunk: Buffer) => {
      talk.requests.push(...commands.read(chunk));
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      talk.replies.push(...answers.read(chunk));
      client.write(chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => one.destroy()).on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    exchanges: () =>
      talks.flatMap(({ requests, replies }) => replies.map((reply, i) => [requests[i]!, reply] as const)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
