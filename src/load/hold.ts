import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { UsageError } from '../error.ts';

/** Descriptor of the pipe, open both ways, between a held load and who started it. */
export const HELD_FD = 3;

/** The lines on it: the load says that it is ready, is told to go, and says that its last reply has come. */
export const HELD_LOAD = { ready: 'ready', go: 'go', ended: 'ended' } as const;

/** A load's end of that pipe. */
export class Hold implements Disposable {
  /** Aborts when nobody holds the load any more: who started it is gone, and nobody waits for its result. */
  readonly gone: AbortSignal;
  readonly #pipe: Socket;
  readonly #go: Promise<void>;

  private constructor(pipe: Socket) {
    const gone = new AbortController();
    this.gone = gone.signal;
    this.#pipe = pipe;
    // Whatever comes is the word: there is only one.
    this.#go = new Promise((resolve) => pipe.once('data', () => resolve()));
    for (const event of ['end', 'error', 'close'])
      pipe.once(event, () => gone.abort(new Error('whoever holds the load is gone')));
  }

  /** @throws {UsageError} not-held, when no such pipe was handed to this process. */
  static open(): Hold {
    if (!isSocket(HELD_FD))
      throw new UsageError(
        'not-held',
        `Expected --hold only from a program that holds this one, by a socket on descriptor ${HELD_FD}: without it the load begins by itself.`,
      );
    return new Hold(new Socket({ fd: HELD_FD }));
  }

  /** Says that all is ready; resolves at the word. Where nobody is left to say it, `gone` aborts. */
  wait(): Promise<void> {
    this.#pipe.write(`${HELD_LOAD.ready}\n`);
    return this.#go;
  }

  /** Says that the last reply has come. */
  ended(): void {
    this.#pipe.write(`${HELD_LOAD.ended}\n`);
  }

  [Symbol.dispose](): void {
    this.#pipe.destroy();
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
