import { constants, fstatSync, read } from 'node:fs';
import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { UsageError } from '../error.ts';
import { isCode } from './errno.ts';
import { FileInput } from './file-input.ts';
import { reopen } from './output.ts';

/** One read. Larger ones were not faster through a pipe of 64 KiB. */
export const READ_BYTES = 131_072;

/** Where bytes come from. It reads from its making on. */
export interface Input {
  /** Goes on after `bytes` answered false. */
  resume(): void;
  /** Reads no more. Descriptors 0 to 2 stay open. */
  close(): void;
}

export interface InputEvents {
  /**
   * @param chunk lies in a buffer that is used again: it is good until the call returns, or until `resume` when the
   *   answer is false.
   * @param history it stood in a file before we came.
   * @returns false to read no more until `resume`.
   */
  bytes(chunk: Buffer, history: boolean): boolean;
  /** Told once: the end, or what made reading impossible. */
  ended(error?: Error): void;
  /** A followed file was emptied or rewritten: what comes now begins a new one. */
  truncated(): void;
}

/** @param fd inherited: it is never closed, and its flags are left alone where that is possible. */
export function openInput(fd: number, events: InputEvents): Input {
  const stat = fstatSync(fd);
  if (stat.isDirectory())
    throw new UsageError(
      'is-a-directory',
      'Expected standard input to be a pipe or a file, got a directory.',
    );
  if (stat.isFile()) return new FileInput(fd, events);
  if (stat.isSocket()) return new SocketInput(fd, events);
  if (stat.isFIFO()) return new SocketInput(reopen(fd, constants.O_RDONLY), events);
  if (isatty(fd)) return new ReadableInput(new ReadStream(fd), events);
  return new DeviceInput(fd, events);
}

/** Pipes and sockets, read into one buffer by libuv: a thread stuck in read(2) would keep the process from exiting. */
export class SocketInput implements Input {
  readonly #fd: number;
  readonly #socket: Socket;

  /** @param fd closed with the input when above 2. */
  constructor(fd: number, events: InputEvents) {
    this.#fd = fd;
    const options: SocketConstructorOpts & ConnectOpts = {
      fd,
      readable: true,
      writable: false,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => events.bytes(buffer.subarray(0, length) as Buffer, false),
      },
    };
    this.#socket = new Socket(options);
    tellEnd(this.#socket, events);
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    closeStream(this.#socket, this.#fd);
  }
}

/** A terminal, or a stream that Node made. */
export class ReadableInput implements Input {
  readonly #stream: Readable;

  constructor(stream: Readable, events: InputEvents) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      if (!events.bytes(chunk, false)) stream.pause();
    });
    tellEnd(stream, events);
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.pause();
  }
}

/** `/dev/null` and its like. */
class DeviceInput implements Input {
  readonly #fd: number;
  readonly #events: InputEvents;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #closed = false;

  constructor(fd: number, events: InputEvents) {
    this.#fd = fd;
    this.#events = events;
    this.resume();
  }

  resume(): void {
    if (this.#closed) return;
    read(this.#fd, this.#buffer, 0, READ_BYTES, null, (error, length) => {
      if (this.#closed) return;
      if (isCode(error, 'EAGAIN', 'EINTR')) setTimeout(() => this.resume(), 5);
      else if (error) this.#events.ended(error);
      else if (length === 0) this.#events.ended();
      else if (this.#events.bytes(this.#buffer.subarray(0, length), false)) this.resume();
    });
  }

  close(): void {
    this.#closed = true;
  }
}

function tellEnd(stream: Readable, events: InputEvents): void {
  let told = false;
  const tell = (error?: Error): void => {
    if (told) return;
    told = true;
    events.ended(error);
  };
  stream.on('end', () => tell());
  stream.on('error', tell);
  stream.on('close', () => tell());
}

/** Descriptors 0 to 2 belong to the process: their streams only fall silent. */
function closeStream(stream: Socket, fd: number): void {
  if (fd > 2) stream.destroy();
  else stream.pause().unref();
}
