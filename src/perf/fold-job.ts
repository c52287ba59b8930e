import type { ProfiledProcess } from './thread-pool.ts';
import type { WaitKind } from './wait-kind.ts';

/** What the folding child is told, as JSON on its standard input. Nanoseconds are decimal text. */
export interface FoldJob {
  readonly target: ProfiledProcess;
  readonly inputs: readonly FoldJobInput[];
  /** See FrameSettings; absent where the target's files are on another machine. */
  readonly root?: string;
  readonly spans: readonly FoldJobSpan[];
  /** The inputs hold samples of all processes: those of others than the target and its children are left out. */
  readonly ofAll?: true;
  /** When the inputs hold the switches of threads: then waits are folded, and weights are their µs. In order of time. */
  readonly captures?: readonly SwitchCapture[];
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

/** A time during which switches were captured without a break, and what /proc told at its ends. */
export interface SwitchCapture {
  /** The recording that holds it, counted from 0. */
  readonly input: number;
  /** CLOCK_MONOTONIC, decimal text: capture was asked for, had begun, /proc was read, capture was about to end. */
  readonly askedNs: string;
  /** Absent where nobody remembers: then it had begun with its first record. */
  readonly fromNs?: string;
  readonly readNs: string;
  readonly toNs: string;
  readonly threads: readonly CapturedThread[];
  /** From each reading of the scheduler's run times to the next, in order. */
  readonly slices: readonly SwitchSlice[];
}

export interface SwitchSlice {
  /** CLOCK_MONOTONIC, decimal text. */
  readonly fromNs: string;
  readonly toNs: string;
  /** Thread ids, and how long each was on a CPU, ns. Absent: it was on none, or began or ended meanwhile. */
  readonly ranNs: readonly (readonly [tid: number, ns: number])[];
}

export interface CapturedThread {
  readonly tid: number;
  readonly name: string;
  /** On a CPU since it began, ns, at the beginning of the capture and at its end (null: it was gone). */
  readonly runNsAtStart: number;
  readonly runNsAtEnd: number | null;
  /** It was not waiting at the beginning. */
  readonly wasRunning: boolean;
  /** What it waited in then, innermost first. */
  readonly kernelStack: readonly string[];
  readonly kind: WaitKind;
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
  /** Of waits: µs off the CPU by pool and by kind of wait. */
  readonly waitedUs?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of them, those of waits that had begun before their capture: their stacks are not known. */
  readonly sinceBeforeUs?: number;
  /** By how much perf's own notes make the waits longer than the scheduler has them, µs: not in `waitedUs`. */
  readonly takenOffUs?: number;
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
  /** Of waits: those that were told, and those that lost records left without a beginning or an end. */
  readonly waits?: { readonly told: number; readonly broken: number };
  /** One for each perf.data that could not be read; the others count. */
  readonly errors: readonly string[];
  /** Highest resident memory of the folding child, bytes. */
  readonly peakBytes: number;
}
