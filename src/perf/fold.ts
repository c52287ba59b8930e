import { cleanName, Frames, type FrameSettings } from './frames.ts';
import { LineTable } from './line-table.ts';
import { Mappings } from './mappings.ts';
import type { ScriptReader } from './script-text.ts';
import { type SpanTime, SpansAt } from './spans-at.ts';
import { StackTree } from './stack-tree.ts';
import { threadPool } from './thread-pool.ts';

/** What one span got. */
export interface SpanFold {
  readonly id: number;
  samples: number;
  /** Sum of the samples' weights; equals `samples` where nothing else is weighed. */
  weight: number;
  lost: number;
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

export type FoldSettings = Omit<FrameSettings, 'mappings'> & { readonly spans: readonly SpanTime[] };

const unknownMeaning = -1;
const perProcessMeaning = -2;

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
  readonly #settings: FoldSettings;
  readonly #mappings = new Mappings();
  readonly #frames: Frames;
  readonly #at: SpansAt<SpanFold>;
  readonly #lines = new LineTable();
  readonly #tree = new StackTree();
  readonly #names: string[] = [];
  readonly #unresolved: boolean[] = [];
  readonly #ids = new Map<string, number>();
  /** By thread id. */
  readonly #roots = new Map<number, { comm: string; pid: number; node: number }>();
  /** By number of the line: its frame, or that it is another one in each process. */
  readonly #meanings: number[] = [];
  /** By process, then by number of the line. */
  readonly #ofProcess = new Map<number, Map<number, number>>();
  #ofGeneration = 0;
  #mainComm: string | undefined;

  // The sample at hand: leaf first.
  #stack = new Int32Array(256);
  #depth = 0;
  #root = 0;
  #pid = 0;
  #weight = 1;
  #time = 0;
  #wanted: readonly SpanFold[] = [];

  constructor(settings: FoldSettings) {
    this.#settings = settings;
    this.#frames = new Frames({ ...settings, mappings: this.#mappings });
    this.spans = settings.spans.map(({ id }) => emptyFold(id));
    this.#at = new SpansAt(settings.spans, this.spans);
  }

  /** Frames left out of a tree that grew beyond all bounds. */
  get truncated(): number {
    return this.#tree.truncated;
  }

  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number, weight = 1): void {
    this.samples++;
    this.#depth = 0;
    this.#pid = pid;
    this.#weight = weight;
    this.#time = this.#at.axis(seconds, nanoseconds);
    this.#wanted = this.#at.spansAt(this.#time);
    if (this.#wanted.length === 0) {
      this.outside++;
      return;
    }
    this.#root = this.#rootOf(comm, pid, tid);
  }

  frame(chunk: Buffer, from: number, to: number): void {
    if (this.#wanted.length === 0) return;
    const line = this.#lines.number(chunk, from, to);
    let meaning = this.#meanings[line] ?? unknownMeaning;
    if (meaning < 0) meaning = this.#mean(line, meaning, chunk, from, to);
    if (this.#depth === this.#stack.length) {
      const grown = new Int32Array(this.#depth * 2);
      grown.set(this.#stack);
      this.#stack = grown;
    }
    this.#stack[this.#depth++] = meaning;
  }

  sampleEnd(): void {
    const spans = this.#wanted;
    if (spans.length === 0) return;
    const stack = this.#stack;
    let node = this.#root;
    let unresolved = 0;
    for (let at = this.#depth - 1; at >= 0; at--) {
      const frame = stack[at] as number;
      if (this.#unresolved[frame]) unresolved++;
      node = this.#tree.child(node, frame);
    }
    for (const span of spans) {
      span.samples++;
      span.input ??= this.input;
      span.weight += this.#weight;
      span.frames += this.#depth;
      span.unresolvedFrames += unresolved;
      span.firstNs ??= this.#at.afterStart(span.id, this.#time);
      span.lastNs = this.#at.beforeEnd(span.id, this.#time);
      span.stacks.set(node, (span.stacks.get(node) ?? 0) + this.#weight);
    }
  }

  event(text: string, _pid: number, seconds: number, nanoseconds: number): void {
    this.#mappings.accept(text);
    const [, comm, pid, tid] = /^PERF_RECORD_COMM[^:]*: (.*):(\d+)\/(\d+)$/s.exec(text) ?? [];
    if (pid === tid && Number(pid) === this.#settings.target.pid) {
      this.#mainComm = comm;
      this.#roots.clear();
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
          .map((frame) => this.#names[frame])
          .join(';')} ${count}`,
      );
    }
    yield* lines.sort();
  }

  #mean(line: number, meaning: number, chunk: Buffer, from: number, to: number): number {
    if (this.#ofGeneration !== this.#mappings.generation) {
      this.#ofProcess.clear();
      this.#ofGeneration = this.#mappings.generation;
    }
    let known = this.#ofProcess.get(this.#pid);
    if (known === undefined) this.#ofProcess.set(this.#pid, (known = new Map()));
    if (meaning === perProcessMeaning) {
      const frame = known.get(line);
      if (frame !== undefined) return frame;
    }
    const { name, unresolved, ofProcess } = this.#frames.read(chunk.toString('utf8', from, to), this.#pid);
    const frame = this.#idOf(name, unresolved);
    this.#meanings[line] = ofProcess ? perProcessMeaning : frame;
    if (ofProcess) known.set(line, frame);
    return frame;
  }

  #rootOf(comm: string, pid: number, tid: number): number {
    const known = this.#roots.get(tid);
    if (known !== undefined && known.comm === comm && known.pid === pid) return known.node;
    const pool = threadPool({ comm, pid, tid }, this.#settings.target, this.#mainComm);
    const node = this.#tree.child(0, this.#idOf(cleanName(pool), false));
    this.#roots.set(tid, { comm, pid, node });
    return node;
  }

  #idOf(name: string, unresolved: boolean): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#names.push(name) - 1;
      this.#ids.set(name, id);
      this.#unresolved.push(unresolved);
    }
    return id;
  }
}

function emptyFold(id: number): SpanFold {
  return {
    id,
    samples: 0,
    weight: 0,
    lost: 0,
    firstNs: undefined,
    lastNs: undefined,
    frames: 0,
    unresolvedFrames: 0,
    input: undefined,
    stacks: new Map(),
  };
}
