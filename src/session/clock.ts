/** CLOCK_MONOTONIC, ns: the clock that perf records with (`-k mono`), so that samples and markers share one axis. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** From one monotonic time to another, ms. */
export function msBetween(fromNs: bigint, toNs: bigint): number {
  return Number(toNs - fromNs) / 1e6;
}
