import type { CountedLatencies } from './latency-counts.ts';
import type { CommandSpec, ServerAddress } from './options.ts';
import type { ErrorCount } from './result.ts';
import type { VectorPlan } from './vector-plan.ts';
import type { WorkloadReport } from './workload.ts';

/** The clients of one thread that talk to one node. */
export interface NodePlan {
  readonly address: ServerAddress;
  readonly clients: number;
  /** Hash tags of its slots; empty outside a cluster. */
  readonly tags: readonly string[];
}

export type WorkPlan =
  | {
      readonly kind: 'commands';
      readonly commands: readonly CommandSpec[];
      readonly keyspace?: number;
      readonly dataBytes: number;
    }
  | { readonly kind: 'vectors'; readonly plan: VectorPlan };

/** All that one thread needs; it can be sent to a worker. */
export interface ThreadPlan {
  readonly thread: number;
  readonly threads: number;
  readonly nodes: readonly NodePlan[];
  readonly cluster: boolean;
  readonly work: WorkPlan;
  readonly pipeline: number;
  readonly seed: number;
  /** Of all threads; Infinity when the load ends by time. */
  readonly requests: number;
  readonly durationMs?: number;
  /** Of all threads: an open loop. */
  readonly rps?: number;
  /** Blocks of requests taken, over all threads. */
  readonly counter: SharedArrayBuffer;
  readonly timeoutMs: number;
}

/** One second of one thread. */
export interface ThreadSecond {
  readonly second: number;
  readonly latencies: CountedLatencies;
  readonly errors: number;
}

export interface ThreadProgress {
  /** Replies so far. */
  readonly replies: number;
  readonly errors: number;
}

export interface ThreadReport {
  /** Replies, errors included. */
  readonly replies: number;
  readonly errors: readonly ErrorCount[];
  readonly redirected: number;
  readonly late: number;
  readonly unsent: number;
  readonly seconds: readonly ThreadSecond[];
  readonly work: WorkloadReport;
  /** Monotonic, ms: when the last reply came; the start when none did. */
  readonly lastReplyMs: number;
  /** Stopped before its end. */
  readonly partial: boolean;
}

/** What a thread's owner is told. */
export interface ThreadEvents {
  progress(progress: ThreadProgress): void;
}

/** ms of the clock that all threads share; performance.now() begins anew in each. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
