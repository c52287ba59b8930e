import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isCode } from './errno.ts';

/** A descriptor that would block is tried again after this, ms. */
const RETRY_MS = 5;

/** Where bytes are passed on to. It never blocks its thread for a slow reader, and loses nothing. */
export interface Output {
  /** False: not taken yet. The bytes must stay as they are, and nothing more come, until `drained` is called. */
  write(bytes: Buffer): boolean;
}

export interface OutputEvents {
  drained(): void;
  /** Nothing more can be written; all that comes is dropped from now on. Told once. */
  failed(error: Error): void;
}

/** @param fd inherited: 1 or 2. It is never closed, and its flags are left alone where that is possible. */
export function openOutput(fd: number, events: OutputEvents): Output {
  const stat = fstatSync(fd);
  if (stat.isFIFO() || stat.isSocket()) return new StreamOutput(reopen(fd, constants.O_WRONLY), events);
  // A regular file keeps its description: others append to it at the same offset.
  return new DescriptorOutput(stat.isFile() ? fd : reopen(fd, constants.O_WRONLY), events);
}

/** Takes all and passes nothing on. */
export const nowhere: Output = { write: () => true };

/**
 * A description of our own for an inherited pipe or terminal, non-blocking. O_NONBLOCK belongs to the description, and
 * setting it on the inherited one would change it for every program that shares it.
 * @returns `fd` itself where that is refused: a socket, or a pipe of another user.
 */
export function reopen(fd: number, access: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}

/** Pipes and sockets, through libuv: a thread stuck in write(2) would keep the process from exiting. */
class StreamOutput implements Output {
  readonly #socket: Socket;
  readonly #written: () => void;
  #state: 'open' | 'waiting' | 'failed' = 'open';

  constructor(fd: number, events: OutputEvents) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', (error) => {
      const before = this.#state;
      this.#state = 'failed';
      if (before !== 'failed') events.failed(error);
      if (before === 'waiting') events.drained();
    });
    this.#written = () => {
      if (this.#state !== 'waiting' || this.#socket.writableLength > 0) return;
      this.#state = 'open';
      events.drained();
    };
  }

  write(bytes: Buffer): boolean {
    if (this.#state === 'failed') return true;
    this.#socket.write(bytes, this.#written);
    if (this.#socket.writableLength === 0) return true;
    this.#state = 'waiting';
    return false;
  }
}

/** Regular files, terminals and other devices. */
class DescriptorOutput implements Output {
  readonly #fd: number;
  readonly #events: OutputEvents;
  #failed = false;

  constructor(fd: number, events: OutputEvents) {
    this.#fd = fd;
    this.#events = events;
  }

  write(bytes: Buffer): boolean {
    const rest = this.#failed ? undefined : this.#push(bytes);
    if (rest) this.#retry(rest);
    return rest === undefined;
  }

  /** What would block. */
  #push(bytes: Buffer): Buffer | undefined {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      if (isCode(error, 'EAGAIN')) return rest;
      this.#failed = true;
      this.#events.failed(error as Error);
    }
    return undefined;
  }

  #retry(bytes: Buffer): void {
    setTimeout(() => {
      const rest = this.#push(bytes);
      if (rest) this.#retry(rest);
      else this.#events.drained();
    }, RETRY_MS);
  }
}
