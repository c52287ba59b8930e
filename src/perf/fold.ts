import { FrameLines } from './frame-lines.ts';
import { cleanName, type FrameSettings } from './frames.ts';
import { PairTable } from './pair-table.ts';
import type { SampleLines } from './sample-lines.ts';
import type { ScriptReader } from './script-text.ts';
import { type SpanTime, SpansAt } from './spans-at.ts';
import { StackTree } from './stack-tree.ts';
import { type Thread, threadPool } from './thread-pool.ts';

/** What one span got. */
export interface SpanFold {
  readonly id: number;
  samples: number;
  /** Sum of the samples' weights; equals `samples` where nothing else is weighed. */
  weight: number;
  lost: number;
  /** Of weights, what was found to be too much. */
  takenOff: number;
  /** After the span's start, ns. */
  firstNs: number | undefined;
  /** Before the span's end, ns. */
  lastNs: number | undefined;
  /** Of all samples. */
  frames: number;
  /** Of them, those of user space without a symbol. */
  unresolvedFrames: number;
  /** The perf.data, counted from 0, that its first sample came from. */
  input: number | undefined;
  readonly stacks: Map<number, number>;
}

/** A stack whose frames are known by now, since mappings come and go. */
export interface PlacedStack {
  readonly node: number;
  readonly depth: number;
  readonly unresolved: number;
}

export type FoldSettings = Omit<FrameSettings, 'mappings'> & {
  readonly spans: readonly SpanTime[];
  /** The first frame of a thread's stacks; undefined for none. Default: its pool. @param mainComm see threadPool. */
  readonly rootOf?: (thread: Thread, mainComm: string | undefined) => string | undefined;
  /** Of recordings of all processes: only this one and the children that it forks count. */
  readonly only?: number;
};

const forkPattern = /^PERF_RECORD_FORK\((\d+):\d+\):\((\d+):\d+\)/;

/**
 * Gives each sample of one `perf script` pass to every span that contains its time, as folded stacks whose roots are
 * thread pools. Spans may nest and overlap.
 */
export class Fold implements ScriptReader {
  readonly spans: SpanFold[];
  /** The perf.data that is being read; set by the caller. */
  input = 0;
  samples = 0;
  /** Samples of no span. */
  outside = 0;
  readonly frames: FrameLines;
  readonly #settings: FoldSettings;
  /** Process ids that count; undefined for all. */
  readonly #family: Set<number> | undefined;
  readonly #at: SpansAt<SpanFold>;
  readonly #tree = new StackTree();
  /** By thread id. */
  readonly #roots = new Map<number, { comm: string; pid: number; node: number }>();
  /** Roots with the stacks that `known` was given below them. */
  readonly #rooted = new PairTable();
  readonly #nodes: PlacedStack[] = [];
  #reserved = 0;
  #mainComm: string | undefined;

  // The sample at hand: leaf first.
  #stack = new Int32Array(256);
  #depth = 0;
  #root = 0;
  #pid = 0;
  #time = 0;
  #wanted: readonly SpanFold[] = [];

  constructor(settings: FoldSettings) {
    this.#settings = settings;
    this.#family = settings.only === undefined ? undefined : new Set([settings.only]);
    this.frames = new FrameLines(settings);
    this.spans = settings.spans.map(({ id }) => emptyFold(id));
    this.#at = new SpansAt(settings.spans, this.spans);
  }

  /** Frames left out of a tree that grew beyond all bounds. */
  get truncated(): number {
    return this.#tree.truncated;
  }

  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number): void {
    if (this.#family !== undefined && !this.#family.has(pid)) {
      this.#wanted = [];
      return;
    }
    this.samples++;
    this.#time = this.#at.axis(seconds, nanoseconds);
    this.#wanted = this.#at.spansAt(this.#time);
    if (this.#wanted.length === 0) {
      this.outside++;
      return;
    }
    this.#begin(comm, pid, tid);
  }

  frame(chunk: Buffer, from: number, to: number): void {
    if (this.#wanted.length > 0) this.#push(this.frames.frame(chunk, from, to, this.#pid));
  }

  sampleEnd(): void {
    if (this.#wanted.length > 0) this.#count(this.#placed(), 1);
  }

  /** Numbers for that many stacks. @returns the first of them. */
  reserve(count: number): number {
    this.#reserved += count;
    return this.#reserved - count;
  }

  /**
   * The stack of the sample at hand, in the place of `frame` and `sampleEnd`.
   * @param stack one of the numbers reserved: the same stack has the same.
   * @param framesOf its frames, innermost first; asked once a stack and root.
   */
  known(stack: number, framesOf: (stack: number) => Iterable<number>): void {
    if (this.#wanted.length === 0) return;
    const rooted = this.#rooted.number(this.#root, stack);
    let node = this.#nodes[rooted];
    if (node === undefined) {
      for (const frame of framesOf(stack)) this.#push(frame);
      node = this.#nodes[rooted] = this.#placed();
    }
    this.#count(node, 1);
  }

  /** Where a stack belongs that is weighed later. @param kind a line that stands as its outermost frame. */
  place(comm: string, pid: number, tid: number, stack: SampleLines, kind: Buffer): PlacedStack {
    this.#begin(comm, pid, tid);
    let start = 0;
    for (let at = 0; at < stack.count; at++) {
      const end = stack.ends[at] as number;
      this.#push(this.frames.frame(stack.bytes, start, end, pid));
      start = end;
    }
    this.#push(this.frames.frame(kind, 0, kind.length, pid));
    return this.#placed();
  }

  /** A sample of that weight, for the spans that are open at that moment. */
  weigh(stack: PlacedStack, seconds: number, nanoseconds: number, weight: number): void {
    this.samples++;
    this.#time = this.#at.axis(seconds, nanoseconds);
    this.#wanted = this.#at.spansAt(this.#time);
    if (this.#wanted.length === 0) this.outside++;
    else this.#count(stack, weight);
  }

  /** Tells the spans that are open at that moment what their weights leave out. */
  takeOff(seconds: number, nanoseconds: number, weight: number): void {
    for (const span of this.#at.spansAt(this.#at.axis(seconds, nanoseconds))) span.takenOff += weight;
  }

  #begin(comm: string, pid: number, tid: number): void {
    this.#depth = 0;
    this.#pid = pid;
    this.#root = this.#rootOf(comm, pid, tid);
  }

  #push(frame: number): void {
    if (this.#depth === this.#stack.length) {
      const grown = new Int32Array(this.#depth * 2);
      grown.set(this.#stack);
      this.#stack = grown;
    }
    this.#stack[this.#depth++] = frame;
  }

  #placed(): PlacedStack {
    let node = this.#root;
    let unresolved = 0;
    for (let at = this.#depth - 1; at >= 0; at--) {
      const frame = this.#stack[at] as number;
      if (this.frames.unresolved[frame]) unresolved++;
      node = this.#tree.child(node, frame);
    }
    return { node, depth: this.#depth, unresolved };
  }

  #count({ node, depth, unresolved }: PlacedStack, weight: number): void {
    for (const span of this.#wanted) {
      span.samples++;
      span.input ??= this.input;
      span.weight += weight;
      span.frames += depth;
      span.unresolvedFrames += unresolved;
      span.firstNs ??= this.#at.afterStart(span.id, this.#time);
      span.lastNs = this.#at.beforeEnd(span.id, this.#time);
      span.stacks.set(node, (span.stacks.get(node) ?? 0) + weight);
    }
  }

  event(text: string, _pid: number, seconds: number, nanoseconds: number): void {
    this.frames.mappings.accept(text);
    const [, comm, pid, tid] = /^PERF_RECORD_COMM[^:]*: (.*):(\d+)\/(\d+)$/s.exec(text) ?? [];
    if (pid === tid && Number(pid) === this.#settings.target.pid) {
      this.#mainComm = comm;
      this.#roots.clear();
    }
    if (this.#family !== undefined) {
      const [, child, parent] = forkPattern.exec(text) ?? [];
      if (this.#family.has(Number(parent))) this.#family.add(Number(child));
    }
    const lost = /^PERF_RECORD_LOST(?:_SAMPLES)?:?\s+lost (\d+)/.exec(text)?.[1];
    if (lost === undefined) return;
    for (const span of this.#at.spansAt(this.#at.axis(seconds, nanoseconds))) span.lost += Number(lost);
  }

  /**
   * The lines of stacks.folded, sorted: `valkey-server;main;aeMain 42`.
   * @param divisor weights are told in multiples of it; what is less than half of it is left out.
   */
  *foldedLines(span: SpanFold, divisor = 1): Iterable<string> {
    const lines: string[] = [];
    for (const [node, weight] of span.stacks) {
      const count = Math.round(weight / divisor);
      if (count === 0) continue;
      lines.push(
        `${this.#tree
          .path(node)
          .map((frame) => this.frames.names[frame])
          .join(';')} ${count}`,
      );
    }
    yield* lines.sort();
  }

  #rootOf(comm: string, pid: number, tid: number): number {
    const known = this.#roots.get(tid);
    if (known !== undefined && known.comm === comm && known.pid === pid) return known.node;
    const { target, rootOf } = this.#settings;
    const thread = { comm, pid, tid };
    const name = rootOf ? rootOf(thread, this.#mainComm) : threadPool(thread, target, this.#mainComm);
    const node = name === undefined ? 0 : this.#tree.child(0, this.frames.idOf(cleanName(name)));
    this.#roots.set(tid, { comm, pid, node });
    return node;
  }
}

function emptyFold(id: number): SpanFold {
  return {
    id,
    samples: 0,
    weight: 0,
    lost: 0,
    takenOff: 0,
    firstNs: undefined,
    lastNs: undefined,
    frames: 0,
    unresolvedFrames: 0,
    input: undefined,
    stacks: new Map(),
  };
}
