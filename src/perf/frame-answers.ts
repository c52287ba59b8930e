import type { FrameLines } from './frame-lines.ts';
import type { Question } from './questions.ts';
import type { ScriptReader } from './script-text.ts';

export interface ScriptEvent {
  readonly text: string;
  readonly pid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly tid: number;
  readonly comm: string;
}

const inlined = '(inlined)';
const lastOfInlined = 0x64;

/** What `perf script` says of the samples that it was asked about: names of threads, frames of addresses. */
export class FrameAnswers implements ScriptReader {
  /** The frames of one address, innermost first: several where functions were inlined. All different. */
  readonly groups: (readonly number[])[] = [];
  /** By number of the address. */
  readonly groupOf: number[] = [];
  readonly #groupIds = new Map<string, number>();
  /** Of one frame alone, as most are: the group by frame. */
  readonly #alone: number[] = [];
  readonly comms: string[] = [];
  readonly events: ScriptEvent[] = [];
  readonly #frames: FrameLines;
  readonly #originSeconds: number;
  /** By thread and time; several where two events fell together. */
  readonly #asked = new Map<string, Question[]>();
  #waiting: number;
  #sample: Question | undefined;
  #pid = 0;
  /** Frames of the sample at hand, address by address. */
  #answer: number[][] = [];
  #isOpen = false;

  constructor(asked: readonly Question[], frames: FrameLines, originSeconds: number) {
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
    this.#answer = [];
    this.#isOpen = false;
    if (this.#sample !== undefined) this.comms[this.#sample.thread] ??= comm;
  }

  frame(chunk: Buffer, from: number, to: number): void {
    const id = this.#frames.once(chunk, from, to, this.#pid);
    if (this.#isOpen) this.#answer.at(-1)?.push(id);
    else this.#answer.push([id]);
    this.#isOpen = isInlined(chunk, from, to);
  }

  sampleEnd(): void {
    const sample = this.#sample;
    if (sample === undefined) return;
    const { addresses } = sample;
    if (this.#answer.length !== addresses.length) return;
    for (const [index, frames] of this.#answer.entries())
      this.groupOf[addresses[index] as number] = this.#groupIdOf(frames);
    this.#waiting--;
  }

  event(text: string, pid: number, seconds: number, nanoseconds: number, tid: number, comm: string): void {
    this.#frames.mappings.accept(text);
    this.events.push({ text, pid, seconds, nanoseconds, tid, comm });
  }

  #groupIdOf(frames: readonly number[]): number {
    const [first = 0] = frames;
    const known = frames.length === 1 ? this.#alone[first] : undefined;
    if (known !== undefined) return known;
    const key = frames.join();
    let id = this.#groupIds.get(key);
    if (id === undefined) this.#groupIds.set(key, (id = this.groups.push(frames) - 1));
    if (frames.length === 1) this.#alone[first] = id;
    return id;
  }
}

function isInlined(chunk: Buffer, from: number, to: number): boolean {
  return (
    chunk[to - 2] === lastOfInlined &&
    chunk.toString('latin1', Math.max(from, to - inlined.length), to) === inlined
  );
}
