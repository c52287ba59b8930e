/** ms, from an HDR histogram of 1 µs to 60 s with 3 digits; min, avg and max are exact. Of requests that succeeded. */
export interface LatencySummary {
  readonly minMs: number;
  readonly avgMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** One second of a run, by when replies came. */
export interface SecondOfLoad {
  /** 0 for the first one. */
  readonly second: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** How often an error came, by its first word. */
export interface ErrorCount {
  /** `OOM`, `WRONGTYPE`, `ERR`. */
  readonly kind: string;
  readonly count: number;
  /** The first one, in full. */
  readonly example: string;
}

/** Recall@k over all queries sent: hits out of k, whatever the server returned. */
export interface RecallSummary {
  readonly k: number;
  readonly queries: number;
  readonly avg: number;
  readonly min: number;
  readonly max: number;
  /** Queries with recall 1. */
  readonly perfect: number;
  /** Queries with recall 0. */
  readonly zero: number;
}

export interface BaseRtt {
  readonly samples: number;
  readonly avgMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What an open loop could not keep. */
export interface OpenLoopSummary {
  readonly rps: number;
  /** Requests sent over 1 ms after their time, for want of a free client or of CPU. Their wait is in the latency. */
  readonly late: number;
  /** Requests whose time came but that were not sent before the end. */
  readonly unsent: number;
}

export interface LoadWarning {
  readonly code: string;
  readonly message: string;
}

export interface LoadResult {
  readonly name: string;
  readonly loop: 'closed' | 'open';
  readonly server: { readonly address: string; readonly program: string; readonly version: string };
  readonly clients: number;
  readonly threads: number;
  readonly pipeline: number;
  /** ISO 8601, when the first request was sent. */
  readonly startedAt: string;
  /** From the first request to the last reply, ms. */
  readonly durationMs: number;
  /** Replies, errors included. */
  readonly requests: number;
  /** Replies without error, per second. */
  readonly throughput: number;
  /** Requests by operation: more than one entry for a mix. */
  readonly operations: Readonly<Record<string, number>>;
  /** null when no request succeeded. */
  readonly latency: LatencySummary | null;
  readonly errors: readonly ErrorCount[];
  readonly errorCount: number;
  /** Requests that were sent to another node of a cluster, as MOVED or ASK said. */
  readonly redirected: number;
  readonly recall: RecallSummary | null;
  readonly baseRtt: BaseRtt;
  readonly series: readonly SecondOfLoad[];
  readonly open: OpenLoopSummary | null;
  /** Ended before its length: the figures are of the part that ran. */
  readonly partial: boolean;
  readonly warnings: readonly LoadWarning[];
  /** How long the index took after the last write until it was ready, ms; vec-load and vec-update only. */
  readonly indexReadyMs?: number;
  /** Of each second; what `--hdr` writes. Not in JSON. */
  readonly histograms: readonly IntervalCounts[];
}

/** One second's latencies, sparse: index and count of each bucket that is not empty. See latency-counts.ts. */
export interface IntervalCounts {
  readonly second: number;
  readonly buckets: Uint32Array;
}
