import type { Socket } from 'node:net';
import { Client } from './client.ts';
import { dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { ProtocolError, RequestParser } from './wire/request-parser.ts';

/** Replies are handed to the socket at this size, bytes, and after each read. */
const FLUSH_BYTES = 256 * 1024;
/** A client that sends, but does not read its replies, is not listened to beyond this, bytes. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
/** Closing at once with unread bytes would be a reset, which can overtake the reply, ms. */
const LINGER_MS = 500;

/** One socket: bytes to commands, commands to replies. Runs all that a read brought before it looks at the next one. */
export class Connection {
  readonly client: Client;
  readonly #engine: Engine;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  #isEnded = false;

  constructor(engine: Engine, socket: Socket, id: number) {
    this.#engine = engine;
    this.#socket = socket;
    this.#parser = new RequestParser(engine.config.limits);
    const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    this.client = new Client(engine, id, peer, `${socket.localAddress ?? '?'}:${socket.localPort ?? 0}`);
    this.client.kill = () => socket.destroy();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 300_000);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#resume());
    // Resets and broken pipes: `close` follows.
    socket.on('error', () => socket.destroy());
  }

  #read(chunk: Buffer): void {
    if (this.#isEnded) return;
    this.#engine.stats.inputBytes += chunk.length;
    this.client.lastMs = Date.now();
    this.#guarded(() => this.#parser.feed(chunk));
    this.#runAll();
  }

  #runAll(): void {
    const { client } = this;
    const { reply } = this.#engine;
    reply.protocol = client.protocol;
    while (!this.#isEnded) {
      if (this.#socket.writableLength > MAX_UNSENT_BYTES) {
        this.#socket.pause();
        break;
      }
      this.#parser.isTrusted = client.isAuthenticated;
      if (!this.#guarded(() => this.#parser.next(client.request))) {
        break;
      }
      if (isHttp(client)) this.#socket.destroy();
      else dispatch(client);
      if (client.isClosing || this.#socket.destroyed) this.#isEnded = true;
      if (reply.length > FLUSH_BYTES) this.#flush();
    }
    this.#flush();
    if (this.#parser.pendingBytes === 0) client.request.release();
    if (this.#isEnded) this.#hangUp();
  }

  /** The last reply goes out; a client that stays all the same is cut off. */
  #hangUp(): void {
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  #resume(): void {
    if (!this.#socket.isPaused()) return;
    this.#runAll();
    if (this.#socket.writableLength <= MAX_UNSENT_BYTES) this.#socket.resume();
  }

  /** A client whose bytes are no RESP is told so, and hears no more. */
  #guarded<Result>(read: () => Result): Result | false {
    try {
      return read();
    } catch (error) {
      this.#isEnded = true;
      if (error instanceof ProtocolError) {
        this.#engine.reply.error(error.message);
        this.#engine.stats.countError(error.message);
      } else this.#socket.destroy(); // no memory for what it sends: the others go on
      return false;
    }
  }

  #flush(): void {
    const { reply, stats } = this.#engine;
    if (reply.length === 0) return;
    stats.outputBytes += reply.length;
    if (this.#socket.destroyed) {
      reply.rewind(0);
      return;
    }
    this.#socket.write(reply.take());
    // What the kernel did not take is still in that memory.
    if (this.#socket.writableLength > 0) reply.renew();
  }
}

/** A web page can make a browser send these to a port of this machine: Valkey hangs up too. */
function isHttp({ request }: Client): boolean {
  if (request.byteLength(0) !== 4 && request.byteLength(0) !== 5) return false;
  return /^(post|host:)$/i.test(request.text(0));
}
