import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseEvent } from '../perf/capabilities.ts';
import { Frames, isKernelAddress } from '../perf/frames.ts';
import { Mappings } from '../perf/mappings.ts';
import { ArmedRecord, maximumFrequency } from '../perf/record.ts';
import { perfEnvironment, run } from '../perf/run.ts';
import { scriptCommand, type ScriptReader, ScriptText } from '../perf/script-text.ts';
import type { Target } from '../target/contract.ts';

/** How good the stacks of a server are, as a short sample of it shows. */
export interface StackQuality {
  /** As perf really recorded it. */
  readonly event: string;
  readonly samples: number;
  /** Those with a frame in user space. */
  readonly userStacks: number;
  /** Of them, those with one alone: their callers are not known. */
  readonly userStacksOfDepth1: number;
  readonly userFrames: number;
  /** Without a symbol. */
  readonly unresolvedUserFrames: number;
}

const sampleMs = 200;
/** More than perf-record's own, since the sample is short. */
const frequencyHz = 3_999;

/** Samples the running server for 200 ms, with frame pointers. Leaves no file. @throws as ArmedRecord.arm does. */
export async function sampleStacks(target: Target): Promise<StackQuality> {
  const folder = await mkdtemp(join(tmpdir(), 'stagewatch-doctor-'));
  try {
    const file = join(folder, 'perf.data');
    const [event, limitHz] = await Promise.all([chooseEvent(target, 'cycles'), maximumFrequency(target)]);
    const frequency = Math.min(frequencyHz, limitHz);
    await using record = await ArmedRecord.arm(target, { event, frequency, callGraph: 'fp', file });
    await record.enable();
    await sleep(sampleMs);
    await record.disable();
    await record.end();
    const { stdout } = await run(target, scriptCommand(file), { env: perfEnvironment });
    return { event: record.event, ...countStacks(target, stdout) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param script what `perf script` printed. */
export function countStacks(
  target: Pick<Target, 'program' | 'pid'>,
  script: string,
): Omit<StackQuality, 'event'> {
  const frames = new Frames({ target, mappings: new Mappings(), root: undefined });
  const counts = { samples: 0, userStacks: 0, userStacksOfDepth1: 0, userFrames: 0, unresolvedUserFrames: 0 };
  let ofServer = false;
  let depth = 0;
  const reader: ScriptReader = {
    sample: (_comm, pid) => {
      // Its children, a save for one, are not what is profiled.
      ofServer = pid === target.pid;
      depth = 0;
      if (ofServer) counts.samples++;
    },
    frame: (chunk, from, to) => {
      const line = chunk.toString('utf8', from, to);
      if (!ofServer || isKernelAddress(Number.parseInt(line, 16))) return;
      depth++;
      counts.userFrames++;
      if (frames.read(line, target.pid).unresolved) counts.unresolvedUserFrames++;
    },
    sampleEnd: () => {
      if (depth > 0) counts.userStacks++;
      if (depth === 1) counts.userStacksOfDepth1++;
      depth = 0;
    },
    event: () => {},
  };
  const text = new ScriptText(reader);
  text.push(Buffer.from(script));
  text.end();
  return counts;
}
