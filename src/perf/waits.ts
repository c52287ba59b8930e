import type { SwitchCapture } from './fold-job.ts';
import type { Fold } from './fold.ts';
import type { ScriptReader } from './script-text.ts';
import type { SpanTime } from './spans-at.ts';
import { sleptThroughout, type SwitchedThread, SwitchedThreads, usualExcess } from './switched-threads.ts';
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
  readonly #threads = new SwitchedThreads();
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
  #sampled: SwitchedThread | undefined;

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
    const thread = this.#threads.of(comm, pid, tid);
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
      const thread = this.#threads.of(comm, pid, tid);
      if (text.startsWith('PERF_RECORD_SWITCH OUT')) this.#leave(thread, now, text.includes('preempt'));
      else this.#enter(thread, now);
      return;
    }
    this.#fold.event(text, pid, seconds, nanoseconds);
    const [, newPid, newTid] = forkPattern.exec(text) ?? [];
    // It could run from now on.
    if (newTid !== undefined) this.#leave(this.#threads.of(comm, Number(newPid), Number(newTid)), now, true);
    const gone = exitPattern.exec(text)?.[2];
    if (gone !== undefined) this.#threads.delete(Number(gone));
  }

  #leave(thread: SwitchedThread, now: number, preempted: boolean): void {
    if (thread.state === 'waiting') this.#break(thread);
    thread.state = 'waiting';
    // The stack comes first, next to the moment at which the scheduler stops counting.
    thread.since = thread.sampledNs ?? now;
    thread.excess = usualExcess(thread.sampledNs, now);
    thread.preempted = preempted;
    thread.carriedRunNs = undefined;
  }

  #enter(thread: SwitchedThread, now: number): void {
    if (thread.state === 'running') this.broken++;
    else if (thread.state === 'waiting') this.#tell(thread, thread.since, now, { isOver: true });
    else this.#tellFromBefore(thread, now, true);
    thread.state = 'running';
    thread.carriedRunNs = undefined;
    thread.sampledNs = undefined;
    thread.stack.clear();
  }

  /** What it waited for is not known to have ended. */
  #break(thread: SwitchedThread): void {
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
    for (const thread of this.#threads.all()) {
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
    for (const { tid, name } of of.threads) this.#threads.of(name, this.#target.pid, tid);
    for (const thread of this.#threads.all()) {
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
  #tellFromBefore(thread: SwitchedThread, to: number, isOver: boolean): boolean {
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
    thread: SwitchedThread,
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

  #kindOf({ preempted, stack }: SwitchedThread): WaitKind {
    return preempted ? 'preempted' : this.#kinds.kindOf(stack.bytes, stack.ends, stack.count);
  }

  #axis(seconds: number, nanoseconds: number): number {
    return (seconds - this.#pieces.originSeconds) * nsPerSecond + nanoseconds;
  }
}
