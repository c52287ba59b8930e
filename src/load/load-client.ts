import { ReplyReader, ReplySkipper, RespProtocolError, RespPush, type RespValue } from '../valkey/resp.ts';
import { ControlLink, notRedis } from './control-link.ts';
import { LoadError } from './error.ts';
import type { Link } from './link.ts';
import { addressText, type ServerAddress } from './options.ts';
import { Batch } from './workload.ts';

/** What comes of a client; `nowMs` is of performance.now(). */
export interface ClientEvents {
  /** `count` more replies, none of them an error. */
  counted(client: LoadClient, count: number, nowMs: number): void;
  /** `count` more replies; the messages of those that are errors, by their place among them. */
  countedWithErrors(
    client: LoadClient,
    count: number,
    errors: ReadonlyMap<number, string>,
    nowMs: number,
  ): void;
  /** More replies, whole. */
  read(client: LoadClient, replies: readonly RespValue[], nowMs: number): void;
  lost(error: LoadError): void;
}

/** One client of the load: a connection, and the batch that is under way on it. */
export class LoadClient {
  readonly batch: Batch;
  readonly address: ServerAddress;
  readonly #link: Link;

  private constructor(link: Link, batch: Batch, readsReplies: boolean, events: ClientEvents) {
    this.#link = link;
    this.address = link.address;
    this.batch = batch;
    link.onLost = (error) => events.lost(error);
    link.onBytes = readsReplies ? this.#reader(events) : this.#counter(events);
  }

  /** Connected and let in. @throws {LoadError} */
  static async open(
    address: ServerAddress,
    batch: Batch,
    readsReplies: boolean,
    events: ClientEvents,
    timeoutMs: number,
  ): Promise<LoadClient> {
    const control = await ControlLink.open(address, timeoutMs);
    return new LoadClient(control.release(), batch, readsReplies, events);
  }

  /**
   * Sends the batch. Its bytes may be written anew only when all replies are there: by then the server has read them,
   * also those that the system did not take at once.
   */
  send(byteLength: number): void {
    const { bytes } = this.batch;
    this.#link.write(byteLength === bytes.length ? bytes : bytes.subarray(0, byteLength));
  }

  close(): void {
    this.#link.close();
  }

  /**
   * One look at the clock for each read: all replies in it came by then, and what they waited in the socket for us
   * belongs to the latency that a client sees. The same time is the next batch's time of sending, so that making the
   * request counts too: the figures err by some microseconds, and to the high side.
   */
  #counter(events: ClientEvents): Link['onBytes'] {
    const skipper = new ReplySkipper();
    return (bytes, length) => {
      const nowMs = performance.now();
      let replies: number;
      try {
        replies = skipper.skip(bytes, 0, length);
      } catch (error) {
        return this.#broken(error, events);
      }
      if (skipper.errors.length === 0) return events.counted(this, replies, nowMs);
      const errors = new Map(skipper.errors.map(({ index, message }) => [index, message]));
      return events.countedWithErrors(this, replies, errors, nowMs);
    };
  }

  #reader(events: ClientEvents): Link['onBytes'] {
    const reader = new ReplyReader();
    return (bytes, length) => {
      const nowMs = performance.now();
      let replies: RespValue[];
      try {
        replies = reader.read(Buffer.from(bytes.subarray(0, length)));
      } catch (error) {
        return this.#broken(error, events);
      }
      return events.read(
        this,
        replies.filter((reply) => !(reply instanceof RespPush)),
        nowMs,
      );
    };
  }

  #broken(error: unknown, events: ClientEvents): void {
    if (!(error instanceof RespProtocolError)) throw error;
    this.close();
    events.lost(notRedis(this.address, error));
  }
}

/** A reply that nobody asked for: from then on no reply can be trusted to answer its request. */
export function unasked(client: LoadClient): LoadError {
  return new LoadError(
    'protocol',
    `${addressText(client.address)} sent more replies than there were requests.`,
  );
}
