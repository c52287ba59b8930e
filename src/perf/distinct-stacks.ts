import { Epochs } from './epochs.ts';
import { PairTable } from './pair-table.ts';
import type { Questions } from './questions.ts';
import type { Window } from './record-walk.ts';
import type { SampleLayout } from './sample-layout.ts';
import { WordTable } from './word-table.ts';

const type = {
  mmap: 1,
  comm: 3,
  exit: 4,
  fork: 7,
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
  readonly #questions: Questions;
  readonly #words: Uint32Array;
  readonly #bytes: Buffer;
  readonly #mapped = new Epochs();
  readonly #named = new Epochs();
  readonly #pids = new PairTable();
  readonly #scopes = new PairTable();
  readonly #tids = new PairTable();
  readonly #callers = new WordTable();
  readonly #addresses = new WordTable();
  /** By number: thread id and process, in an epoch of its name. */
  readonly threads = new PairTable();
  /** By number: innermost address, and callers; -1 for no address. */
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

  // What the last sample was of, and how long that holds.
  #pid = 0;
  #tid = 0;
  #scope = 0;
  #thread = 0;
  #since = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;
  // Where the sample at hand lies, in bytes.
  #at = 0;
  #end = 0;

  constructor(layout: SampleLayout, { words, bytes }: Window, questions: Questions) {
    this.#layout = layout;
    this.#questions = questions;
    this.#words = words;
    this.#bytes = bytes;
  }

  /** @returns the process and the thread of a number in `threads`. */
  idsOf(thread: number): { pid: number; tid: number } {
    const ids = this.threads.first(thread);
    return { pid: this.#tids.first(ids), tid: this.#tids.second(ids) };
  }

  /** First of all. @param at where a sample lies: the axis begins near it. */
  beginAxis(at: number): void {
    const ns = this.#bytes.readBigUInt64LE(at + this.#layout.timeAt);
    this.originSeconds = Number(ns / 1_000_000_000n);
    const origin = BigInt(this.originSeconds) * 1_000_000_000n;
    this.#originHigh = Number(origin >> 32n);
    this.#originLow = Number(origin & 0xffffffffn);
  }

  /** First pass, of all but samples: what changes when. */
  readChange(kind: number, at: number, size: number): void {
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

  /** Second pass. What is new in it goes to the questions. */
  readSample(at: number, size: number): void {
    const { pidAt, timeAt, chainAt, only } = this.#layout;
    if (only !== undefined && !only.ids.has(this.#number(at + only.idAt))) return;
    const pid = this.#word(at + pidAt) | 0;
    const tid = this.#word(at + pidAt + 4) | 0;
    const time = this.#timeAt(at + timeAt);
    this.#at = at;
    this.#end = at + size;
    if (pid !== this.#pid || tid !== this.#tid || !(time >= this.#since && time < this.#until)) {
      const known = this.threads.size;
      this.#place(pid, tid, time);
      if (this.threads.size > known) this.#begin(time);
    }
    const from = (at + chainAt + 8) >> 2;
    const end = Math.min(from + this.#word(at + chainAt) * 2, (at + size) >> 2);
    let leafAt = from;
    while (leafAt < end && this.#isContext(leafAt)) leafAt += 2;
    const callersAt = Math.min(leafAt + 2, end);
    const context = leafAt === from ? 0 : (this.#words[leafAt - 2] as number);
    const leaf = leafAt === end ? -1 : this.#address(leafAt, context, time);
    const known = this.#callers.size;
    const callers = this.#callers.number(this.#words, callersAt, end, this.#scope);
    if (callers === known) this.addressesOf.push(this.#addressesIn(callersAt, end, context, time));
    this.#add(time, this.#thread, this.stacks.number(leaf, callers));
  }

  #addressesIn(from: number, end: number, context: number, time: number): number[] {
    const addresses: number[] = [];
    let current = context;
    for (let at = from; at < end; at += 2)
      if (this.#isContext(at)) current = this.#words[at] as number;
      else addresses.push(this.#address(at, current, time));
    return addresses;
  }

  /** The number of an address. @param at which of the words. @param context says whose it is; 0 for what the sample says. */
  #address(at: number, context: number, time: number): number {
    const words = this.#words;
    const known = this.#addresses.size;
    const address = this.#addresses.number(words, at, at + 2, this.#scope);
    if (address < known) return address;
    const [low, high] = [words[at] as number, words[at + 1] as number];
    if (!this.#questions.add(this.#scope, address, low, high, context)) {
      this.#begin(time);
      this.#questions.add(this.#scope, address, low, high, context);
    }
    return address;
  }

  #begin(time: number): void {
    const record = this.#bytes.subarray(this.#at, this.#end);
    this.#questions.begin(this.#scope, this.#thread, this.#tid, time, record);
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
    this.#thread = this.threads.number(this.#tids.number(pid, tid), named.count);
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

  /** Exact near the origin, where samples are. What was there before perf began has no time, 0. */
  #timeAt(at: number): number {
    return (this.#word(at + 4) - this.#originHigh) * 0x1_0000_0000 + (this.#word(at) - this.#originLow);
  }

  #word(at: number): number {
    return this.#words[at >> 2] as number;
  }

  #number(at: number): number {
    return this.#word(at + 4) * 0x1_0000_0000 + this.#word(at);
  }

  /** @param at which of the words. */
  #isContext(at: number): boolean {
    return this.#words[at + 1] === contextsHigh && (this.#words[at] as number) >= contextsLow;
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
