import type { Source } from './contract.ts';
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
export function stdinSource(options: StdinOptions = {}): Source {
  const { passThrough = true, idleTimeoutMs } = options;
  return new WorkerSource('stdin', new URL('./stdin-worker.js', import.meta.url), {
    source: 'stdin',
    passThrough,
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
  });
}
