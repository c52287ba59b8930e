import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { Connection } from './connection.ts';
import type { Engine } from './engine.ts';

/** The engine on a TCP port. */
export class EngineServer implements AsyncDisposable {
  readonly engine: Engine;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #lastId = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param port 0 takes a free one. @returns the port. @throws Error of the socket: EADDRINUSE, ... */
  async listen(port: number, bind: string): Promise<number> {
    this.#server.listen({ port, host: bind, backlog: 511 });
    await once(this.#server, 'listening');
    // A failing accept must not end us: the client sees its connection closed.
    this.#server.on('error', () => {});
    const address = this.#server.address() as AddressInfo;
    const { engine } = this;
    engine.port = address.port;
    engine.bind = address.address;
    engine.config.fix('port', String(address.port));
    engine.config.fix('bind', address.address);
    engine.config.fix('maxclients', String(engine.maxClients));
    return address.port;
  }

  /** Closes all connections, and stops to listen. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) {
      // What SHUTDOWN replied may still be on its way.
      if (!socket.writableEnded) socket.destroy();
    }
    for (const socket of this.#sockets) setTimeout(() => socket.destroy(), 200).unref();
    await closed;
  }

  #accept(socket: Socket): void {
    const { clients, stats, maxClients } = this.engine;
    if (clients.size >= maxClients) {
      stats.rejectedConnections++;
      socket.on('error', () => socket.destroy());
      socket.end('-ERR max number of clients reached\r\n');
      socket.resume();
      return;
    }
    stats.connections++;
    const { client } = new Connection(this.engine, socket, ++this.#lastId);
    clients.set(client.id, client);
    this.#sockets.add(socket);
    socket.once('close', () => {
      clients.delete(client.id);
      this.#sockets.delete(socket);
    });
  }
}
