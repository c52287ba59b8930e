import { WorkerSource } from './worker-source.ts';

export interface StdinOptions {
  /** Copy standard input to standard output, byte for byte; true by default. */
  readonly passThrough?: boolean;
  /** End when no new bytes came for so long, ms. */
  readonly idleTimeoutMs?: number;
}

/**
 * Standard input, passed through to standard output. A regular file is followed: see FileInput. Nothing else in the
 * process may touch `process.stdin` or `process.stdout` while it runs.
 */
export class StdinSource extends WorkerSource {
  constructor({ passThrough = true, idleTimeoutMs }: StdinOptions = {}) {
    super('stdin', new URL('./stdin-worker.js', import.meta.url), {
      source: 'stdin',
      passThrough,
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    });
  }

  /** Starts the thread, which takes as long as to load the rest of the program; nothing is read before `begin`. */
  prepare(): void {
    this.launch({ hold: true });
  }

  /**
   * Begins to pass bytes on before `start`, while the rest of the program is still being loaded: that takes longer than
   * to pass 100 MB on. Markers keep their time of arrival and wait for `start`.
   */
  begin(): void {
    this.launch();
  }
}
