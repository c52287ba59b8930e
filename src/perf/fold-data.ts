import { closeSync, constants, openSync } from 'node:fs';
import { DistinctStacks } from './distinct-stacks.ts';
import { FrameAnswers } from './frame-answers.ts';
import type { FrameLines } from './frame-lines.ts';
import { NamedStacks } from './named-stacks.ts';
import { Questions } from './questions.ts';
import { newWindow, visitRecords } from './record-walk.ts';
import { readSampleLayout, type SampleLayout } from './sample-layout.ts';
import { readScript, type ScriptPass } from './script-pass.ts';
import { scriptCommand, type ScriptReader } from './script-text.ts';
import { ThinData } from './thin-data.ts';

/** Takes samples, as text of `perf script`, or with stacks by number. */
export interface StackReader extends ScriptReader {
  readonly frames: FrameLines;
  /** Numbers for that many stacks. @returns the first of them. */
  reserve(count: number): number;
  /** The stack of the sample at hand, instead of `frame` and `sampleEnd`. @param framesOf innermost first. */
  known(stack: number, framesOf: (stack: number) => Iterable<number>): void;
}

const noType = 0;
const sampleType = 9;
/** All before it is in order. The questions are not: without these records perf puts everything in order. */
const roundType = 68;

/** Records that cannot be stepped over, or whose samples are not in sight: tracing data, AUX traces, compressed ones. */
const opaqueTypes = new Set([66, 71, 81, 83]);

/** Descriptor 3 of perf is the thinned file. */
const thinPath = '/proc/self/fd/3';

/**
 * Folds a perf.data on this machine. `perf script` prints 1.5 kB for each of its samples, though only one in ten shows
 * anything new. So the samples are read here, perf is asked for the names of the new ones alone, by way of a perf.data
 * that holds only them, and all are counted with its answers.
 * @returns undefined where that cannot be done (stacks that perf unwinds, compressed records, ...): then let
 * `perf script` print all of them.
 */
export async function foldData(path: string, fold: StackReader): Promise<ScriptPass | undefined> {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const layout = readSampleLayout(file);
    if (layout === undefined) return undefined;
    const window = newWindow();
    using thin = new ThinData(file, layout);
    const questions = new Questions(thin, layout);
    const distinct = new DistinctStacks(layout, window, questions);
    if (!readChanges(file, layout, window, distinct)) return undefined;
    const isRead = visitRecords(file, window, layout.dataFrom, layout.dataEnd, noType, (type, at, size) => {
      if (type === sampleType) distinct.readSample(at, size);
      else if (type !== roundType) thin.add(window.bytes, at, size);
      return !distinct.isFull;
    });
    if (!isRead) return undefined;
    questions.finish();
    thin.finish();
    const answers = new FrameAnswers(questions.asked, fold.frames, distinct.originSeconds);
    const pass = await readScript(scriptCommand(thinPath), answers, thin.fd);
    if (pass.error !== undefined || !answers.isComplete) return undefined;
    count(fold, distinct, answers);
    return pass;
  } finally {
    closeSync(file);
  }
}

function readChanges(
  file: number,
  { dataFrom, dataEnd }: SampleLayout,
  window: ReturnType<typeof newWindow>,
  distinct: DistinctStacks,
): boolean {
  visitRecords(file, window, dataFrom, dataEnd, noType, (type, at) => {
    if (type === sampleType) distinct.beginAxis(at);
    return type !== sampleType;
  });
  return visitRecords(file, window, dataFrom, dataEnd, sampleType, (type, at, size) => {
    distinct.readChange(type, at, size);
    return !opaqueTypes.has(type);
  });
}

/** Everything in order of time, as `perf script` would have it. */
function count(fold: StackReader, distinct: DistinctStacks, answers: FrameAnswers): void {
  const { times, threadOf, stackOf, originSeconds, size } = distinct;
  const { comms, events } = answers;
  const named = new NamedStacks(distinct, answers);
  const firstStack = fold.reserve(named.size);
  const framesOf = (stack: number): number[] => named.framesOf(stack - firstStack);
  let event = 0;
  const tellEvents = (until: number): void => {
    for (let next = events[event]; next !== undefined; next = events[++event]) {
      const { text, pid, seconds, nanoseconds, tid, comm } = next;
      if ((seconds - originSeconds) * 1_000_000_000 + nanoseconds > until) return;
      fold.event(text, pid, seconds, nanoseconds, tid, comm);
    }
  };
  const threads = comms.map((comm, thread) => ({ comm, ...distinct.idsOf(thread) }));
  for (const index of inOrder(times.subarray(0, size))) {
    const time = times[index] as number;
    tellEvents(time);
    const thread = threads[threadOf[index] as number];
    if (thread === undefined) continue;
    fold.sample(thread.comm, thread.pid, thread.tid, originSeconds, time);
    fold.known(firstStack + named.of(stackOf[index] as number), framesOf);
  }
  tellEvents(Number.POSITIVE_INFINITY);
}

/** perf writes CPU after CPU: runs that are in order, which an array's own sort finds, and a typed array's does not. */
function inOrder(times: Float64Array): readonly number[] {
  const order: number[] = [];
  for (let index = 0; index < times.length; index++) order.push(index);
  return order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
}
