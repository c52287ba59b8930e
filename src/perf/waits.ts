import type { CapturedThread, SwitchCapture } from './fold-job.ts';
import type { Fold } from './fold.ts';
import { SampleLines } from './sample-lines.ts';
import type { ScriptReader } from './script-text.ts';
import type { SpanTime } from './spans-at.ts';
import type { ProfiledProcess } from './thread-pool.ts';
import { type WaitKind, WaitKinds, waitKinds } from './wait-kind.ts';
import { WaitPieces } from './wait-pieces.ts';
import { WaitSlices } from './wait-slices.ts';

const nsPerSecond = 1_000_000_000;
const forkPattern = /^PERF_RECORD_FORK\((-?\d+):(-?\d+)\):/;
const exitPattern = /^PERF_RECORD_EXIT\((-?\d+):(-?\d+)\):/;

/** Stands for the part of a stack that nobody saw: the wait had begun before the capture. */
export const sinceBefore = '[since before]';

/** The kind stands next to the pool, as a frame would: `valkey-server;[poll];main;aeMain`. */
const kindLines = Object.fromEntries(waitKinds.map((kind) => [kind, Buffer.from(`0 [${kind}]`)])) as Record<
  WaitKind,
  Buffer
>;

/** What is known of a thread within the capture at hand. */
interface Thread {
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

/**
 * Turns the switches of threads into waits: from the moment at which a thread leaves the CPU, with its stack there, to
 * the one at which it returns. Waits that were under way when a capture began or ended are counted for their part in
 * it; what they wait in is known from the capture before, or from /proc.
 */
export class Waits implements ScriptReader {
  told = 0;
  /** Without a beginning or an end, since perf lost a record: not counted. */
  broken = 0;
  readonly #target: ProfiledProcess;
  readonly #pieces: WaitPieces;
  readonly #fold: Fold;
  readonly #captures: readonly SwitchCapture[];
  readonly #kinds = new WaitKinds();
  readonly #threads = new Map<number, Thread>();
  #waiting: SwitchCapture[] = [];
  #capture:
    | {
        readonly of: SwitchCapture;
        readonly fromNs: number;
        readonly readNs: number;
        readonly toNs: number;
      }
    | undefined;
  readonly #slices: WaitSlices;
  #askedNext = Number.POSITIVE_INFINITY;
  #nextChange = Number.POSITIVE_INFINITY;
  #sampled: Thread | undefined;

  /** @param fold gets the waits, and all other events. */
  constructor(
    target: ProfiledProcess,
    captures: readonly SwitchCapture[],
    fold: Fold,
    spans: readonly SpanTime[],
  ) {
    this.#target = target;
    this.#captures = captures;
    this.#fold = fold;
    this.#pieces = new WaitPieces(fold, spans);
    this.#slices = new WaitSlices(this.#pieces);
  }

  /** @param input counted from 0. */
  startInput(input: number): void {
    this.#waiting = this.#captures.filter((capture) => capture.input === input);
    this.#planNext();
    this.#nextChange = this.#askedNext;
  }

  /** What still waits at the end of a recording waits to the end of its captures. */
  endInput(): void {
    while (this.#nextChange < Number.POSITIVE_INFINITY) this.#reach(this.#nextChange);
    this.#close();
  }

  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number): void {
    this.#reach(this.#axis(seconds, nanoseconds));
    const thread = this.#threadOf(comm, pid, tid);
    if (thread.state === 'waiting') this.#break(thread);
    thread.stack.clear();
    thread.sampledNs = this.#axis(seconds, nanoseconds);
    this.#sampled = thread;
  }

  frame(chunk: Buffer, from: number, to: number): void {
    this.#sampled?.stack.push(chunk, from, to);
  }

  sampleEnd(): void {
    this.#sampled = undefined;
  }

  event(text: string, pid: number, seconds: number, nanoseconds: number, tid: number, comm: string): void {
    const now = this.#axis(seconds, nanoseconds);
    this.#reach(now);
    if (text.startsWith('PERF_RECORD_SWITCH')) {
      const thread = this.#threadOf(comm, pid, tid);
      if (text.startsWith('PERF_RECORD_SWITCH OUT')) this.#leave(thread, now, text.includes('preempt'));
      else this.#enter(thread, now);
      return;
    }
    this.#fold.event(text, pid, seconds, nanoseconds);
    const [, newPid, newTid] = forkPattern.exec(text) ?? [];
    // It could run from now on.
    if (newTid !== undefined) this.#leave(this.#threadOf(comm, Number(newPid), Number(newTid)), now, true);
    const gone = exitPattern.exec(text)?.[2];
    if (gone !== undefined) this.#threads.delete(Number(gone));
  }

  #leave(thread: Thread, now: number, preempted: boolean): void {
    if (thread.state === 'waiting') this.#break(thread);
    thread.state = 'waiting';
    // The stack comes first, next to the moment at which the scheduler stops counting.
    thread.since = thread.sampledNs ?? now;
    thread.excess = usualExcess(thread.sampledNs, now);
    thread.preempted = preempted;
    thread.carriedRunNs = undefined;
  }

  #enter(thread: Thread, now: number): void {
    if (thread.state === 'running') this.broken++;
    else if (thread.state === 'waiting') this.#tell(thread, thread.since, now, { isOver: true });
    else this.#tellFromBefore(thread, now, true);
    thread.state = 'running';
    thread.carriedRunNs = undefined;
    thread.sampledNs = undefined;
    thread.stack.clear();
  }

  /** What it waited for is not known to have ended. */
  #break(thread: Thread): void {
    this.broken++;
    thread.state = 'running';
  }

  #reach(now: number): void {
    while (now >= this.#nextChange) {
      const { end } = this.#slices;
      if (end < this.#askedNext) this.#endSlice(end);
      else {
        this.#close();
        this.#open(now);
      }
      this.#nextChange = Math.min(this.#slices.end, this.#askedNext);
    }
  }

  #open(now: number): void {
    const of = this.#waiting.shift();
    if (of !== undefined) {
      const onAxis = (ns: string): number => this.#pieces.axisNs(ns);
      this.#capture = {
        of,
        fromNs: of.fromNs === undefined ? now : onAxis(of.fromNs),
        readNs: onAxis(of.readNs),
        toNs: onAxis(of.toNs),
      };
      this.#slices.begin(of.slices);
    }
    this.#planNext();
  }

  #planNext(): void {
    const [next] = this.#waiting;
    this.#askedNext = next === undefined ? Number.POSITIVE_INFINITY : this.#pieces.axisNs(next.askedNs);
  }

  /** Each slice has its part of what waits on. */
  #endSlice(end: number): void {
    for (const thread of this.#threads.values()) {
      if (thread.state !== 'waiting') continue;
      this.#tell(thread, thread.since, end);
      thread.since = end;
    }
    this.#slices.next();
  }

  #close(): void {
    const capture = this.#capture;
    if (capture === undefined) return;
    const { of, fromNs, toNs } = capture;
    const known = new Map(of.threads.map((thread) => [thread.tid, thread]));
    for (const { tid, name } of of.threads) this.#threadOf(name, this.#target.pid, tid);
    for (const thread of this.#threads.values()) {
      const proc = known.get(thread.tid);
      let stillWaits = thread.state === 'waiting';
      if (stillWaits) this.#tell(thread, thread.since, toNs);
      else if (thread.state === 'unseen' && proc !== undefined && sleptThroughout(proc, toNs - fromNs))
        stillWaits = this.#tellFromBefore(thread, toNs, false);
      thread.carriedRunNs = stillWaits ? (proc?.runNsAtEnd ?? undefined) : undefined;
      thread.state = 'unseen';
      if (thread.carriedRunNs === undefined) this.#threads.delete(thread.tid);
    }
    this.#slices.next();
    this.#capture = undefined;
  }

  /** A wait that was under way when the capture began. @returns whether its stack is known from the capture before. */
  #tellFromBefore(thread: Thread, to: number, isOver: boolean): boolean {
    if (this.#capture === undefined) return false;
    const { of, fromNs, readNs } = this.#capture;
    const proc = of.threads.find(({ tid }) => tid === thread.tid);
    if (proc !== undefined && thread.carriedRunNs === proc.runNsAtStart) {
      this.#tell(thread, fromNs, to, { isOver });
      return true;
    }
    // What /proc showed was this wait only if it was not over by then.
    const shown = proc !== undefined && to >= readNs ? proc : undefined;
    thread.stack.clear();
    for (const name of shown?.kernelStack ?? []) thread.stack.pushText(`0 ${name}`);
    thread.stack.pushText(`0 ${sinceBefore}`);
    this.#tell(thread, fromNs, to, { isOver, kind: shown?.kind ?? 'other' });
    return false;
  }

  #tell(
    thread: Thread,
    from: number,
    to: number,
    { isOver = false, kind = this.#kindOf(thread) }: { isOver?: boolean; kind?: WaitKind } = {},
  ): void {
    if (this.#capture === undefined) return;
    const start = Math.max(from, this.#capture.fromNs);
    const end = Math.min(to, this.#capture.toNs);
    if (end <= start) return;
    this.told++;
    const { comm, pid, tid, excess } = thread;
    const stack = this.#fold.place(comm, pid, tid, thread.stack, kindLines[kind]);
    this.#slices.add({ tid, stack, from: start, to: end, ...(isOver && { usualExcess: excess }) });
  }

  #kindOf({ preempted, stack }: Thread): WaitKind {
    return preempted ? 'preempted' : this.#kinds.kindOf(stack.bytes, stack.ends, stack.count);
  }

  #threadOf(comm: string, pid: number, tid: number): Thread {
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

  #axis(seconds: number, nanoseconds: number): number {
    return (seconds - this.#pieces.originSeconds) * nsPerSecond + nanoseconds;
  }
}

/**
 * How much too long a wait is that goes from perf's stack to perf's note of the return, ns, where the scheduler does
 * not tell: half of what lies between that stack and perf's note of the leave. Both are perf's work at a switch, and
 * grow with the machine. Right to 0.1 µs on busy CPUs, and 4 to 20 µs too little on virtual ones that idle.
 */
function usualExcess(sampledNs: number | undefined, now: number): number {
  return sampledNs === undefined ? 0 : (now - sampledNs) / 2;
}

/** The run time of a thread that is on a CPU is brought up to date at each tick of the scheduler: 10 ms at most. */
const longestTickNs = 10_000_000;

/** Nothing was captured of a thread: then it was either on a CPU all the time, or never. */
function sleptThroughout(
  { wasRunning, runNsAtStart, runNsAtEnd }: CapturedThread,
  lengthNs: number,
): boolean {
  return runNsAtEnd === runNsAtStart && (!wasRunning || lengthNs > longestTickNs);
}
