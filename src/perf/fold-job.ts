import type { ProfiledProcess } from './thread-pool.ts';

/** What the folding child is told, as JSON on its standard input. Nanoseconds are decimal text. */
export interface FoldJob {
  readonly target: ProfiledProcess;
  readonly inputs: readonly FoldJobInput[];
  /** See FrameSettings; absent where the target's files are on another machine. */
  readonly root?: string;
  readonly spans: readonly FoldJobSpan[];
}

export interface FoldJobInput {
  readonly perfData: string;
  /** Prints it, as it runs on this machine. */
  readonly script: readonly string[];
}

export interface FoldJobSpan {
  readonly id: number;
  /** CLOCK_MONOTONIC. */
  readonly startNs: string;
  readonly endNs: string;
  /** Absolute path of its stacks.folded. Not written for a span without samples. */
  readonly folded: string;
}

export interface FoldedSpan {
  readonly id: number;
  readonly samples: number;
  readonly lost: number;
  /** From the span's start to its first sample, ms. */
  readonly firstSampleMs?: number;
  /** From its last sample to the span's end, ms. */
  readonly lastSampleMs?: number;
  /** Share of frames of user space without a symbol among all, 0 to 1. */
  readonly unresolvedShare?: number;
  /** The perf.data that its samples came from, counted from 0. */
  readonly input?: number;
}

/** What the folding child prints: one line of JSON. */
export interface FoldSummary {
  readonly spans: readonly FoldedSpan[];
  readonly samples: number;
  /** Samples of no span. */
  readonly outside: number;
  /** Records that perf lost in all, also those whose time is not known. */
  readonly lost: number;
  /** Frames left out, since there were too many different stacks. */
  readonly truncated: number;
  readonly unknownLines: number;
  /** One for each perf.data that could not be read; the others count. */
  readonly errors: readonly string[];
  /** Highest resident memory of the folding child, bytes. */
  readonly peakBytes: number;
}
