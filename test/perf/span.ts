import type { EndedSpan } from '../../src/stage/span.ts';

let nextId = 1;

/** A span that ends now, or at `endNs`. */
export function endedSpan(name: string, startNs: bigint, endNs = process.hrtime.bigint()): EndedSpan {
  return {
    id: nextId++,
    stage: { name },
    source: 'test',
    watched: true,
    history: false,
    startNs,
    startedAt: Date.now(),
    attributes: [],
    state: 'finished',
    endNs,
    durationMs: Number(endNs - startNs) / 1e6,
    timing: { state: 'trusted' },
  };
}
