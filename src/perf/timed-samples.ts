import { FrameLines } from './frame-lines.ts';
import type { StackReader } from './fold-data.ts';
import { StackTree } from './stack-tree.ts';

/** The samples of one thread, in order of time. */
export interface ThreadSamples {
  readonly comm: string;
  readonly pid: number;
  readonly tid: number;
  /** After the origin, ms. */
  readonly timesMs: number[];
  /** For `stackOf`. */
  readonly nodes: number[];
}

/** Keeps each sample of recordings with its time, which folded stacks do not. */
export class TimedSamples implements StackReader {
  readonly frames: FrameLines;
  readonly #originNs: bigint;
  readonly #wants: (ms: number) => boolean;
  readonly #tree = new StackTree();
  readonly #threads = new Map<number, ThreadSamples>();
  readonly #nodes: number[] = [];
  #reserved = 0;
  #thread: ThreadSamples | undefined;
  #ms = 0;
  #pid = 0;
  #stack: number[] = [];

  /**
   * @param originNs CLOCK_MONOTONIC. @param wants which times are kept, ms after the origin.
   * @param pid of the process whose mappings forked children have.
   */
  constructor(originNs: bigint, pid: number, wants: (ms: number) => boolean) {
    this.#originNs = originNs;
    this.#wants = wants;
    this.frames = new FrameLines({ target: { program: '', pid }, root: '' });
  }

  get threads(): Iterable<ThreadSamples> {
    return this.#threads.values();
  }

  /** Names of the frames of a node, outermost first. */
  stackOf(node: number): string[] {
    return this.#tree.path(node).map((frame) => this.frames.names[frame] ?? '');
  }

  reserve(count: number): number {
    this.#reserved += count;
    return this.#reserved - count;
  }

  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number): void {
    const originSeconds = this.#originNs / 1_000_000_000n;
    const originRest = Number(this.#originNs % 1_000_000_000n);
    this.#ms = (seconds - Number(originSeconds)) * 1e3 + (nanoseconds - originRest) / 1e6;
    this.#pid = pid;
    this.#stack = [];
    this.#thread = this.#wants(this.#ms) ? this.#threadOf(comm, pid, tid) : undefined;
  }

  frame(chunk: Buffer, from: number, to: number): void {
    if (this.#thread !== undefined) this.#stack.push(this.frames.frame(chunk, from, to, this.#pid));
  }

  sampleEnd(): void {
    if (this.#thread !== undefined) this.#keep(this.#nodeOf(this.#stack));
  }

  known(stack: number, framesOf: (stack: number) => Iterable<number>): void {
    if (this.#thread !== undefined) this.#keep((this.#nodes[stack] ??= this.#nodeOf([...framesOf(stack)])));
  }

  event(text: string): void {
    this.frames.mappings.accept(text);
  }

  #keep(node: number): void {
    this.#thread?.timesMs.push(this.#ms);
    this.#thread?.nodes.push(node);
  }

  #nodeOf(stack: readonly number[]): number {
    return stack.reduceRight((node, frame) => this.#tree.child(node, frame), 0);
  }

  #threadOf(comm: string, pid: number, tid: number): ThreadSamples {
    let thread = this.#threads.get(tid);
    if (thread === undefined || thread.pid !== pid)
      this.#threads.set(tid, (thread = { comm, pid, tid, timesMs: [], nodes: [] }));
    return thread;
  }
}
