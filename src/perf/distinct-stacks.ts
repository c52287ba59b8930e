import { BlockTable } from './block-table.ts';
import { Epochs } from './epochs.ts';
import { PairTable } from './pair-table.ts';
import type { Window } from './record-walk.ts';
import type { SampleLayout } from './sample-layout.ts';

/** A sample that shows something that none before it showed: perf is asked about it. */
export interface NewSample {
  readonly tid: number;
  /** On the axis, ns. */
  readonly time: number;
  readonly thread: number;
  /** Undefined where it has no stack. */
  readonly leaf: number | undefined;
  /** The addresses of its callers, by number, innermost first; none where nothing is new in them. */
  readonly callers: readonly number[];
  /** Of its call chain, the words that perf must see. */
  readonly words: number;
}

const type = {
  mmap: 1,
  comm: 3,
  exit: 4,
  fork: 7,
  sample: 9,
  mmap2: 10,
  namespaces: 16,
  ksymbol: 17,
  bpf: 18,
  textPoke: 20,
} as const;

/** Words that are no addresses but say whose the next ones are: the last 4095 of 64 bits (enum perf_callchain_context). */
const contextsHigh = 0xffffffff;
const contextsLow = 0xfffff001;
const execFlag = 1 << 13;
const kernel = -1;
const firstColumn = 1 << 16;

/** Beyond it the columns below would be what fills the memory. */
const maximumSamples = 8_000_000;

/**
 * The samples of a perf.data as numbers: when, which thread, which stack. A stack is its innermost address and its
 * callers, each numbered apart, since callers repeat where the instruction at hand does not. Equal addresses are the
 * same only in the same process and between two changes of its mappings.
 */
export class DistinctStacks {
  readonly #layout: SampleLayout;
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #mapped = new Epochs();
  readonly #named = new Epochs();
  readonly #pids = new PairTable();
  readonly #scopes = new PairTable();
  readonly #tids = new PairTable();
  readonly #leaves = new BlockTable();
  readonly #callers = new BlockTable();
  readonly #addresses = new BlockTable();
  /** By number: thread id and process, in an epoch of its name. */
  readonly threads = new PairTable();
  /** By number: leaf and callers. */
  readonly stacks = new PairTable();
  /** By number of the callers: their addresses by number, innermost first. */
  readonly addressesOf: (readonly number[])[] = [];
  /** By sample. */
  times = new Float64Array(firstColumn);
  threadOf = new Int32Array(firstColumn);
  stackOf = new Int32Array(firstColumn);
  size = 0;
  /** The axis begins there, CLOCK_MONOTONIC where that was recorded; s. */
  originSeconds = 0;
  #originHigh = 0;
  #originLow = 0;
  #hasOrigin = false;

  // What the last sample was of, and how long that holds.
  #pid = 0;
  #tid = 0;
  #scope = 0;
  #thread = 0;
  #since = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;
  /** The last sample was the first of its thread. */
  #newest = false;

  constructor(layout: SampleLayout, { words, bytes }: Window) {
    this.#layout = layout;
    this.#words = words;
    this.#bytes = bytes;
  }

  /** @returns the process and the thread of a number in `threads`. */
  idsOf(thread: number): { pid: number; tid: number } {
    const ids = this.threads.first(thread);
    return { pid: this.#tids.first(ids), tid: this.#tids.second(ids) };
  }

  /** First pass: what changes when. */
  readChange(kind: number, at: number, size: number): void {
    if (kind === type.sample) {
      if (!this.#hasOrigin) this.#setOrigin(at + this.#layout.timeAt);
      return;
    }
    const [pid, second, tid] = [this.#word(at + 8), this.#word(at + 12), this.#word(at + 16)];
    const time = (): number => this.#timeAt(at + size - this.#layout.timeBeforeEnd);
    if (kind === type.mmap || kind === type.mmap2 || kind === type.namespaces)
      this.#mapped.add(pid === 0xffffffff ? kernel : pid, time());
    else if (kind === type.ksymbol || kind === type.bpf || kind === type.textPoke)
      this.#mapped.add(kernel, time());
    else if (kind === type.comm) {
      this.#named.add(second, time());
      if ((this.#word(at + 4) & execFlag) >>> 0 !== 0) this.#mapped.add(pid, time());
    } else if (kind === type.fork || kind === type.exit) {
      this.#named.add(tid, time());
      if (pid !== second) this.#mapped.add(pid, time());
    }
  }

  /** Second pass. @returns what is new in this sample, false where nothing is, undefined for one of another event. */
  readSample(at: number, size: number): NewSample | false | undefined {
    const { pidAt, timeAt, chainAt, only } = this.#layout;
    if (only !== undefined && !only.ids.has(this.#number(at + only.idAt))) return undefined;
    const pid = this.#word(at + pidAt) | 0;
    const tid = this.#word(at + pidAt + 4) | 0;
    const time = this.#timeAt(at + timeAt);
    this.#newest = false;
    if (pid !== this.#pid || tid !== this.#tid || !(time >= this.#since && time < this.#until))
      this.#place(pid, tid, time);
    const scope = this.#scope;
    const thread = this.#thread;

    const chain = at + chainAt + 8;
    const end = Math.min(chain + this.#word(chain - 8) * 8, at + size);
    let leafEnd = chain;
    while (leafEnd < end && this.#isContext(leafEnd)) leafEnd += 8;
    const hasLeaf = leafEnd < end;
    if (hasLeaf) leafEnd += 8;
    const knownLeaves = this.#leaves.size;
    const leaf = this.#leaves.number(this.#bytes, chain, leafEnd, this.#hash(chain, leafEnd), scope);
    const knownAddresses = this.#addresses.size;
    const callers = this.#callers.number(this.#bytes, leafEnd, end, this.#hash(leafEnd, end), scope);
    const addresses = (this.addressesOf[callers] ??= this.#addressesIn(leafEnd, end, scope));
    this.#add(time, thread, this.stacks.number(leaf, callers));
    const hasNewCallers = this.#addresses.size > knownAddresses;
    if (leaf !== knownLeaves && !hasNewCallers && !this.#newest) return false;
    return {
      tid,
      time,
      thread,
      leaf: hasLeaf ? leaf : undefined,
      callers: hasNewCallers ? addresses : [],
      words: ((hasNewCallers ? end : leafEnd) - chain) / 8,
    };
  }

  #addressesIn(from: number, to: number, scope: number): number[] {
    const addresses: number[] = [];
    for (let at = from; at < to; at += 8)
      if (!this.#isContext(at))
        addresses.push(this.#addresses.number(this.#bytes, at, at + 8, this.#hash(at, at + 8), scope));
    return addresses;
  }

  /** No more samples than memory is meant for. */
  get isFull(): boolean {
    return this.size >= maximumSamples;
  }

  /** Numbers the process and the thread that samples are of, until something changes or another one comes. */
  #place(pid: number, tid: number, time: number): void {
    const mapped = this.#mapped.at(pid, time);
    const kernelMapped = this.#mapped.at(kernel, time);
    const named = this.#named.at(tid, time);
    this.#scope = this.#scopes.number(this.#pids.number(pid, mapped.count), kernelMapped.count);
    const known = this.threads.size;
    this.#thread = this.threads.number(this.#tids.number(pid, tid), named.count);
    this.#newest = this.#thread === known;
    this.#pid = pid;
    this.#tid = tid;
    this.#since = Math.max(mapped.since, kernelMapped.since, named.since);
    this.#until = Math.min(mapped.until, kernelMapped.until, named.until);
  }

  #add(time: number, thread: number, stack: number): void {
    if (this.size === this.times.length) {
      this.times = grown(this.times, new Float64Array(this.size * 2));
      this.threadOf = grown(this.threadOf, new Int32Array(this.size * 2));
      this.stackOf = grown(this.stackOf, new Int32Array(this.size * 2));
    }
    this.times[this.size] = time;
    this.threadOf[this.size] = thread;
    this.stackOf[this.size++] = stack;
  }

  #setOrigin(at: number): void {
    const ns = this.#bytes.readBigUInt64LE(at);
    this.originSeconds = Number(ns / 1_000_000_000n);
    const origin = BigInt(this.originSeconds) * 1_000_000_000n;
    this.#originHigh = Number(origin >> 32n);
    this.#originLow = Number(origin & 0xffffffffn);
    this.#hasOrigin = true;
  }

  /** Exact near the origin, where samples are. */
  #timeAt(at: number): number {
    return (this.#word(at + 4) - this.#originHigh) * 0x1_0000_0000 + (this.#word(at) - this.#originLow);
  }

  #word(at: number): number {
    return this.#words[at >> 2] as number;
  }

  #number(at: number): number {
    return this.#word(at + 4) * 0x1_0000_0000 + this.#word(at);
  }

  #isContext(at: number): boolean {
    return this.#word(at + 4) === contextsHigh && this.#word(at) >= contextsLow;
  }

  /** Of the lower halves of the addresses; FNV-1a by words. */
  #hash(from: number, to: number): number {
    let hash = 0x811c9dc5 ^ (to - from);
    for (let at = from >> 2, end = to >> 2; at < end; at += 2)
      hash = Math.imul(hash ^ (this.#words[at] as number), 0x01000193);
    return hash;
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
