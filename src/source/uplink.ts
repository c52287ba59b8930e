import type { MessagePort } from 'node:worker_threads';
import { MissingError, messageOf, UsageError } from '../error.ts';
import type { MarkerBatch } from '../stage/marker.ts';
import { MOST_IN_FLIGHT, weightOf, type FromWorker, type WireEnd, type WireError } from './messages.ts';

const LOOK_AGAIN_MS = 1;

/** A worker's way to the main thread. One message per read; a flood waits here, and so in the pipe. */
export class Uplink {
  readonly #port: MessagePort;
  readonly #inFlight: Int32Array;

  constructor(port: MessagePort, inFlight: SharedArrayBuffer) {
    this.#port = port;
    this.#inFlight = new Int32Array(inFlight);
  }

  batch(batch: MarkerBatch): void {
    Atomics.add(this.#inFlight, 0, weightOf(batch));
    this.#post({ type: 'batch', batch });
  }

  started(pid?: number): void {
    this.#post({ type: 'started', ...(pid !== undefined && { pid }) });
  }

  notice(code: string, message: string): void {
    this.#post({ type: 'notice', notice: { code, message } });
  }

  /** The last word. */
  ended(end: WireEnd): void {
    this.#post({ type: 'ended', end });
  }

  /** The main thread keeps up. */
  isFree(): boolean {
    return Atomics.load(this.#inFlight, 0) < MOST_IN_FLIGHT;
  }

  /** Calls back once the main thread has caught up. */
  whenFree(then: () => void): void {
    if (this.isFree()) then();
    else setTimeout(() => this.whenFree(then), LOOK_AGAIN_MS);
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

export function toWire(thrown: unknown): WireError {
  const kind = thrown instanceof UsageError ? 'usage' : thrown instanceof MissingError ? 'missing' : 'other';
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'source-failed';
  return { kind, code, message: messageOf(thrown) };
}
