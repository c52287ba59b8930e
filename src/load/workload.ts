import type { RespValue } from '../valkey/resp.ts';

/** The requests that one client has under way, and the bytes that they were sent as. */
export class Batch {
  /** Written into in place, again and again. */
  bytes: Buffer;
  /** Where each request ends in `bytes`. */
  readonly ends: Uint32Array;
  /** When the batch was sent, ms of this thread's performance.now(). */
  sentMs = 0;
  /** Open loop: when each request was meant to be sent. */
  readonly dueMs: Float64Array;
  /** What the workload wants to remember of each request: an operation's index, a query's number. */
  readonly notes: Uint32Array;
  /** Requests sent. */
  count = 0;
  /** Replies that came on the client's own connection: requests are answered in order. */
  answered = 0;
  /** Requests without a final answer; redirected ones are open until the other node has answered. */
  open = 0;
  /** The hash tags that this client may use: those of its node. Empty outside a cluster. */
  tags: readonly string[] = [];

  constructor(pipeline: number, byteLength: number) {
    this.bytes = Buffer.alloc(byteLength);
    this.ends = new Uint32Array(pipeline);
    this.dueMs = new Float64Array(pipeline);
    this.notes = new Uint32Array(pipeline);
  }
}

/** Makes the requests of one thread, and looks at replies where it must. */
export interface Workload {
  /** Of the longest batch. */
  readonly batchBytes: number;
  /** Replies must be read whole and given to `take`; else they are only counted. */
  readonly readsReplies: boolean;
  /** Fills an empty batch once, before its first use. */
  prepare(batch: Batch): void;
  /**
   * Writes `count` requests, the numbers `first`, `first + stride`, ... of the whole run, and their ends.
   * Returns the bytes to send.
   */
  fill(batch: Batch, first: number, stride: number, count: number): number;
  /** A reply that is no error, to the request at `index` of the batch. Returns why it is wrong, if it is. */
  take?(batch: Batch, index: number, reply: RespValue): string | undefined;
  /** Requests without error by operation, and what `take` found. */
  report(): WorkloadReport;
  close?(): void;
}

export interface WorkloadReport {
  /** Requests made, by operation. */
  readonly operations: Readonly<Record<string, number>>;
  readonly recall?: RecallCounts;
}

/** Sums over queries; merged by adding. */
export interface RecallCounts {
  readonly k: number;
  readonly queries: number;
  readonly hits: number;
  readonly fewest: number;
  readonly most: number;
  readonly perfect: number;
  readonly zero: number;
}
