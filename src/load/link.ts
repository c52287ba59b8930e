import { connect as connectTcp, isIP, type ConnectOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../error.ts';
import { LoadError } from './error.ts';
import { addressText, type ServerAddress, type TlsOptions } from './options.ts';

const CONNECT_MS = 5_000;
const BUFFER_BYTES = 256 * 1024;

/**
 * All links of a thread read into one buffer: what came is looked at before the next read begins. Node's own way would
 * allocate 64 KiB for each read.
 */
const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** One connection: bytes out, bytes in. */
export class Link {
  readonly address: ServerAddress;
  /** The first `length` bytes of `bytes` have come; they are overwritten when this returns. */
  onBytes: (bytes: Buffer, length: number) => void = () => {};
  /** The connection ended, though we did not close it. Called once. */
  onLost: (error: LoadError) => void = () => {};
  readonly #socket: Socket;
  #lastError: Error | undefined;
  #isClosed = false;

  private constructor(address: ServerAddress) {
    this.address = address;
    const onread = {
      buffer: shared,
      callback: (length: number): boolean => {
        this.onBytes(shared, length);
        return true;
      },
    };
    this.#socket =
      address.tls === undefined ? openTcp(address, onread) : openTls(address, address.tls, onread);
  }

  /** @throws {LoadError} connect-failed */
  static async open(address: ServerAddress): Promise<Link> {
    const link = new Link(address);
    const socket = link.#socket;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => socket.destroy(new Error(`no answer within ${CONNECT_MS} ms`)),
        CONNECT_MS,
      );
      socket.once(address.tls === undefined ? 'connect' : 'secureConnect', () => {
        clearTimeout(timer);
        link.onLost = () => {};
        resolve();
      });
      link.onLost = (error) => {
        clearTimeout(timer);
        reject(connectFailed(address, error.cause));
      };
      socket.on('error', (error) => void (link.#lastError = error));
      socket.on('close', () => link.#closed());
    });
    if (address.tls !== undefined) socket.setNoDelay(true);
    return link;
  }

  /** The bytes are not copied: they must not change until the system has taken them. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const why = this.#lastError === undefined ? 'the server closed it' : messageOf(this.#lastError);
    this.onLost(
      new LoadError('connection-lost', `The connection to ${addressText(this.address)} was lost: ${why}.`, {
        cause: this.#lastError,
      }),
    );
  }
}

type OnRead = NonNullable<ConnectOpts['onread']>;

function openTcp({ host, port, socketPath }: ServerAddress, onread: OnRead): Socket {
  return socketPath === undefined
    ? connectTcp({ host, port, noDelay: true, onread })
    : connectTcp({ path: socketPath, onread });
}

function openTls({ host, port }: ServerAddress, tls: TlsOptions, onread: OnRead): Socket {
  const { ca, cert, key } = tls;
  const options = {
    host,
    port,
    onread, // known to Node (since 12.16), not to its types
    rejectUnauthorized: !tls.skipVerify,
    // A name is sent for names only: RFC 6066 allows no address.
    servername: tls.servername ?? (isIP(host) === 0 ? host : ''),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return connectTls(options);
}

function connectFailed(address: ServerAddress, cause: unknown): LoadError {
  const where = addressText(address);
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const text: string =
    code === 'ECONNREFUSED' || code === 'ENOENT'
      ? `Expected a server at ${where}, but nothing listens there. Is it running? -h and -p (or -s) say where.`
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? `Expected -h to be a host that can be found, got "${address.host}".`
        : `Cannot connect to ${where}: ${cause === undefined ? 'the server closed the connection' : messageOf(cause)}.`;
  return new LoadError('connect-failed', text, { cause });
}
