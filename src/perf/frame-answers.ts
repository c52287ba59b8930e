import type { NewSample } from './distinct-stacks.ts';
import type { FrameLines } from './frame-lines.ts';
import type { ScriptReader } from './script-text.ts';

export interface ScriptEvent {
  readonly text: string;
  readonly pid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly tid: number;
  readonly comm: string;
}

const inlined = Buffer.from('(inlined)');

/** What `perf script` says of the samples that it was asked about: names of threads, frames of addresses. */
export class FrameAnswers implements ScriptReader {
  /** By number; innermost first. One address may be several frames: functions that were inlined there. */
  readonly leaves: (readonly number[])[] = [];
  readonly addresses: (readonly number[])[] = [];
  readonly comms: string[] = [];
  readonly events: ScriptEvent[] = [];
  readonly #frames: FrameLines;
  readonly #originSeconds: number;
  /** By thread and time; several where two events fell together. */
  readonly #asked = new Map<string, NewSample[]>();
  #waiting: number;
  #sample: NewSample | undefined;
  #pid = 0;
  /** Frames of the sample at hand, address by address. */
  #groups: number[][] = [];
  #isOpen = false;

  constructor(asked: readonly NewSample[], frames: FrameLines, originSeconds: number) {
    this.#frames = frames;
    this.#originSeconds = originSeconds;
    this.#waiting = asked.length;
    for (const sample of asked) {
      const key = `${sample.tid} ${sample.time}`;
      const same = this.#asked.get(key);
      if (same === undefined) this.#asked.set(key, [sample]);
      else same.push(sample);
    }
  }

  /** Whether every question has its answer, frame by frame. */
  get isComplete(): boolean {
    return this.#waiting === 0;
  }

  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number): void {
    const time = (seconds - this.#originSeconds) * 1_000_000_000 + nanoseconds;
    this.#sample = this.#asked.get(`${tid} ${time}`)?.shift();
    this.#pid = pid;
    this.#groups = [];
    this.#isOpen = false;
    if (this.#sample !== undefined) this.comms[this.#sample.thread] ??= comm;
  }

  frame(chunk: Buffer, from: number, to: number): void {
    const id = this.#frames.frame(chunk, from, to, this.#pid);
    if (this.#isOpen) this.#groups.at(-1)?.push(id);
    else this.#groups.push([id]);
    const start = to - inlined.length;
    this.#isOpen = start > from && chunk.compare(inlined, 0, inlined.length, start, to) === 0;
  }

  sampleEnd(): void {
    const sample = this.#sample;
    if (sample === undefined) return;
    const { leaf, callers } = sample;
    const groups = leaf === undefined ? [] : this.#groups;
    if (groups.length !== callers.length + (leaf === undefined ? 0 : 1)) return;
    const [first = [], ...others] = groups;
    if (leaf !== undefined) this.leaves[leaf] ??= first;
    for (const [index, address] of callers.entries()) this.addresses[address] ??= others[index] ?? [];
    this.#waiting--;
  }

  event(text: string, pid: number, seconds: number, nanoseconds: number, tid: number, comm: string): void {
    this.#frames.mappings.accept(text);
    this.events.push({ text, pid, seconds, nanoseconds, tid, comm });
  }
}
