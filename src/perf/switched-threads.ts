import type { CapturedThread } from './fold-job.ts';
import { SampleLines } from './sample-lines.ts';

/** What is known of a thread within the capture at hand. */
export interface SwitchedThread {
  readonly tid: number;
  pid: number;
  comm: string;
  state: 'unseen' | 'running' | 'waiting';
  /** Of a waiting thread, ns on the axis. */
  since: number;
  preempted: boolean;
  /** When perf took the stack below, ns on the axis. */
  sampledNs: number | undefined;
  /** See usualExcess, ns. */
  excess: number;
  /** The stack that it left the CPU with; empty when that was not captured. */
  readonly stack: SampleLines;
  /** It was waiting with that stack when the last capture ended, having been on a CPU for so long, ns. */
  carriedRunNs: number | undefined;
}

/** The threads of a recording, by id. */
export class SwitchedThreads {
  readonly #threads = new Map<number, SwitchedThread>();

  all(): Iterable<SwitchedThread> {
    return this.#threads.values();
  }

  delete(tid: number): void {
    this.#threads.delete(tid);
  }

  /** As it is called now; a new one is unseen. */
  of(comm: string, pid: number, tid: number): SwitchedThread {
    let thread = this.#threads.get(tid);
    if (thread === undefined) {
      thread = {
        tid,
        pid,
        comm,
        state: 'unseen',
        since: 0,
        preempted: false,
        sampledNs: undefined,
        excess: 0,
        stack: new SampleLines(),
        carriedRunNs: undefined,
      };
      this.#threads.set(tid, thread);
    }
    if (thread.comm !== comm) thread.comm = comm;
    thread.pid = pid;
    return thread;
  }
}

/**
 * How much too long a wait is that goes from perf's stack to perf's note of the return, ns, where the scheduler does
 * not tell: half of what lies between that stack and perf's note of the leave. Both are perf's work at a switch, and
 * grow with the machine. Right to 0.1 µs on busy CPUs, and 4 to 20 µs too little on virtual ones that idle.
 */
export function usualExcess(sampledNs: number | undefined, now: number): number {
  return sampledNs === undefined ? 0 : (now - sampledNs) / 2;
}

/** The run time of a thread that is on a CPU is brought up to date at each tick of the scheduler: 10 ms at most. */
const longestTickNs = 10_000_000;

/** Nothing was captured of a thread: then it was either on a CPU all the time, or never. */
export function sleptThroughout(
  { wasRunning, runNsAtStart, runNsAtEnd }: CapturedThread,
  lengthNs: number,
): boolean {
  return runNsAtEnd === runNsAtStart && (!wasRunning || lengthNs > longestTickNs);
}
