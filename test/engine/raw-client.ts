import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { ReplyReader, type RespValue, encodeCommand } from '../../src/valkey/resp.ts';

type Word = string | number | Uint8Array;

/** One socket that sends bytes as told, and gives replies or the bytes themselves. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #replies: RespValue[] = [];
  #waiting: (() => void) | undefined;
  /** All bytes that came, as latin1. */
  received = '';
  isClosed = false;

  private constructor(socket: Socket, mode: 'replies' | 'bytes') {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (mode === 'replies') this.#replies.push(...this.#reader.read(chunk));
      else this.received += chunk.toString('latin1');
      this.#waiting?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#waiting?.();
    });
  }

  static async open(port: number, mode: 'replies' | 'bytes' = 'replies'): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket, mode);
    await once(socket, 'connect');
    return client;
  }

  /** Sends commands in one write; gives their replies. */
  async callAll(commands: readonly (readonly Word[])[]): Promise<RespValue[]> {
    this.socket.write(Buffer.concat(commands.map(encodeCommand)));
    while (this.#replies.length < commands.length && !this.isClosed) await this.#more();
    return this.#replies.splice(0, commands.length);
  }

  async call(...words: Word[]): Promise<RespValue> {
    const [reply] = await this.callAll([words]);
    if (reply === undefined) throw new Error('the connection was closed before the reply');
    return reply;
  }

  /** Sends bytes, and waits until the text has come, or the connection is closed. @returns all that came. */
  async exchange(bytes: string | Uint8Array, until: string): Promise<string> {
    const from = this.received.length;
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    while (!this.received.slice(from).includes(until) && !this.isClosed) await this.#more();
    return this.received.slice(from);
  }

  /** Sends bytes, and gives all that comes until the server hangs up. */
  async untilClosed(bytes: string): Promise<string> {
    this.socket.write(Buffer.from(bytes, 'latin1'));
    while (!this.isClosed) await this.#more();
    return this.received;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }
}
