import type { EndedSpan } from '../stage/span.ts';
import type { Target } from '../target/contract.ts';
import type { CapturedThread, SwitchCapture, SwitchSlice } from './fold-job.ts';
import { RunTimeFiles, type RunTimes } from './run-times.ts';
import type { CaptureWatch } from './span-recorder.ts';
import { type ProcessTimes, ThreadFiles } from './thread-times.ts';
import { kernelWaitKind } from './wait-kind.ts';

/** perf's notes run late by an amount that changes with the load, so that it is measured again this often. */
const readEveryMs = 1_000;

interface Kept {
  readonly file: string;
  readonly askedNs: bigint;
  readonly fromNs: bigint;
  readonly before: Promise<ProcessTimes>;
  readonly slices: SwitchSlice[];
  after?: ProcessTimes;
  toNs?: bigint;
}

/**
 * Remembers when switches were captured, and what /proc told of all threads then: perf tells of a thread only when it
 * leaves a CPU or returns to one, and some sleep all along.
 */
export class SwitchCaptures implements CaptureWatch, Disposable {
  readonly #files: ThreadFiles;
  readonly #runTimes: RunTimeFiles;
  readonly #kept: Kept[] = [];
  #reading: NodeJS.Timeout | undefined;
  #lastRead: RunTimes | undefined;

  constructor(target: Target) {
    this.#files = new ThreadFiles(target, { stacks: true });
    this.#runTimes = new RunTimeFiles(target);
  }

  /** Opens the files of all threads, so that the first capture only reads. */
  async prepare(): Promise<void> {
    await Promise.all([this.#files.read(), this.#runTimes.read()]);
  }

  /** Capture has begun. @param file of the recording. @param askedNs before perf was told. @returns since when, ns. */
  began(file: string, askedNs: bigint): bigint {
    const fromNs = process.hrtime.bigint();
    const slices: SwitchSlice[] = [];
    this.#kept.push({ file, askedNs, fromNs, before: this.#files.read(), slices });
    this.#lastRead = undefined;
    void this.#readInto(slices);
    this.#reading = setInterval(() => void this.#readInto(slices), readEveryMs).unref();
    return fromNs;
  }

  /** Call while it still goes on: what a thread does after the reading must be captured. */
  async ending(): Promise<void> {
    const last = this.#kept.at(-1);
    if (last === undefined) return;
    clearInterval(this.#reading);
    [last.after] = await Promise.all([this.#files.read(), this.#readInto(last.slices)]);
    last.toNs = process.hrtime.bigint();
  }

  /** Of these recordings, in their order, which is that of time. @param nowNs ends what still goes on. */
  async of(files: readonly string[], nowNs = process.hrtime.bigint()): Promise<SwitchCapture[]> {
    return Promise.all(
      this.#kept
        .filter(({ file }) => files.includes(file))
        .map(async ({ file, askedNs, fromNs, before, after, slices, toNs }) => {
          const { atNs, threads } = await before;
          return {
            input: files.indexOf(file),
            askedNs: String(askedNs),
            fromNs: String(fromNs),
            readNs: String(atNs),
            toNs: String(toNs ?? nowNs),
            threads: [...threads.keys()].flatMap((tid) => capturedThread(tid, threads, after?.threads)),
            slices,
          };
        }),
    );
  }

  /** These recordings are done with. */
  forget(files: readonly string[]): void {
    const kept = this.#kept.filter(({ file }) => !files.includes(file));
    this.#kept.splice(0, this.#kept.length, ...kept);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#reading);
    this.#files[Symbol.dispose]();
    this.#runTimes[Symbol.dispose]();
  }

  async #readInto(slices: SwitchSlice[]): Promise<void> {
    const now = await this.#runTimes.read();
    const last = this.#lastRead;
    this.#lastRead = now;
    if (last === undefined) return;
    const ranNs = [...now.runNs].flatMap(([tid, runNs]) => {
      const before = last.runNs.get(tid);
      return before === undefined || before === runNs ? [] : [[tid, runNs - before] as const];
    });
    slices.push({ fromNs: String(last.atNs), toNs: String(now.atNs), ranNs });
  }
}

/** Where nothing but the spans is known: each stretch that they cover without a break, in any of the recordings. */
export function capturesOfSpans(spans: readonly EndedSpan[], inputs: number): SwitchCapture[] {
  const stretches: { fromNs: bigint; toNs: bigint }[] = [];
  for (const { startNs, endNs } of spans.toSorted((a, b) => (a.startNs < b.startNs ? -1 : 1))) {
    const last = stretches.at(-1);
    if (last === undefined || startNs > last.toNs) stretches.push({ fromNs: startNs, toNs: endNs });
    else if (endNs > last.toNs) last.toNs = endNs;
  }
  return Array.from({ length: inputs }, (_, input) =>
    stretches.map(({ fromNs, toNs }) => {
      const from = String(fromNs);
      return { input, askedNs: from, readNs: from, toNs: String(toNs), threads: [], slices: [] };
    }),
  ).flat();
}

function capturedThread(
  tid: number,
  before: ProcessTimes['threads'],
  after: ProcessTimes['threads'] | undefined,
): CapturedThread[] {
  const times = before.get(tid);
  if (times === undefined) return [];
  const later = after?.get(tid);
  return [
    {
      tid,
      name: (later ?? times).name,
      runNsAtStart: times.runNs,
      runNsAtEnd: later?.startTicks === times.startTicks ? later.runNs : null,
      wasRunning: times.state === 'R',
      kernelStack: times.kernelStack,
      kind: times.state === 'R' ? 'preempted' : kernelWaitKind(times.kernelStack, times.syscall),
    },
  ];
}
