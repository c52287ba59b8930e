import { parseStat } from '../restore/stat.ts';
import type { Target } from '../target/contract.ts';
import { TaskFiles } from './task-files.ts';

/** What one thread has used since it began, as /proc/PID/task/TID tells it. */
export interface ThreadTimes {
  readonly tid: number;
  readonly name: string;
  /** Clock ticks since boot: with the id, its identity. */
  readonly startTicks: number;
  /** `R`, `S`, `D`, ... */
  readonly state: string;
  /** On a CPU, ns; of `schedstat`, or of clock ticks of 10 ms where the kernel has none. */
  readonly runNs: number;
  /** Ready to run, but waiting for a CPU, ns. Undefined without `schedstat`. */
  readonly runQueueNs: number | undefined;
  /** Clock ticks of 10 ms. */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  /** Kernel functions that it waits in, innermost first; only where they were asked for, and may be read. */
  readonly kernelStack: readonly string[];
  /** The system call that it waits in, as /proc/PID/syscall has it; as above. */
  readonly syscall: string;
}

/** All threads of a process at one moment. */
export interface ProcessTimes {
  /** CLOCK_MONOTONIC. */
  readonly atNs: bigint;
  readonly threads: ReadonlyMap<number, ThreadTimes>;
  /** CPU time of the process with the threads that ended, ms; in steps of 10. Undefined when it is gone. */
  readonly processCpuMs: number | undefined;
}

/** USER_HZ, which is 100 on every Linux that runs a server. */
const tickMs = 10;
const tickNs = tickMs * 1e6;

/** The files of each thread, which are read together, so that they tell of one moment. */
const filesOfThread = ['stat', 'schedstat', 'status'] as const;

/** Reads the times of all threads of a process again and again: about 60 µs a thread. */
export class ThreadFiles implements Disposable {
  readonly #files: TaskFiles;

  /** @param options `stacks`: also what each thread waits in, for which the kernel wants root. */
  constructor(target: Target, options: { readonly stacks?: boolean } = {}) {
    const names = options.stacks ? [...filesOfThread, 'stack', 'wchan', 'syscall'] : filesOfThread;
    this.#files = new TaskFiles(target, names, ['stat']);
  }

  /** @throws never: a process that is gone has no threads. */
  async read(): Promise<ProcessTimes> {
    const { ofProcess, ofThreads } = await this.#files.read();
    const atNs = process.hrtime.bigint();
    const threads = new Map<number, ThreadTimes>();
    for (const [tid, texts] of ofThreads) {
      const times = timesOf(tid, texts);
      if (times !== undefined) threads.set(tid, times);
    }
    return { atNs, threads, processCpuMs: processCpuMs(ofProcess[0]) };
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

function timesOf(tid: number, texts: readonly (string | undefined)[]): ThreadTimes | undefined {
  const [statText, schedstat, status = '', stack, wchan, syscall = ''] = texts;
  if (statText === undefined) return undefined;
  const { comm, state, startTicks, userTicks, systemTicks } = parseStat(statText);
  const [runNs, runQueueNs] = schedstat?.split(' ').map(Number) ?? [];
  return {
    tid,
    name: comm,
    startTicks,
    state,
    runNs: runNs ?? (userTicks + systemTicks) * tickNs,
    runQueueNs,
    userTicks,
    systemTicks,
    voluntarySwitches: switchesOf(status, 'voluntary_ctxt_switches'),
    involuntarySwitches: switchesOf(status, 'nonvoluntary_ctxt_switches'),
    kernelStack: kernelStackOf(stack, wchan),
    syscall,
  };
}

function switchesOf(status: string, key: string): number {
  const at = status.indexOf(`\n${key}:`);
  return at < 0 ? 0 : Number.parseInt(status.slice(at + key.length + 2), 10);
}

/** `[<0>] futex_do_wait+0x46/0x90` a line; `wchan` is the innermost alone, for those who may not read all. */
function kernelStackOf(stack: string | undefined, wchan: string | undefined): string[] {
  const frames = [...(stack ?? '').matchAll(/^\[<\w+>\] ([\w.]+)/gm)].map(([, name = '']) => name);
  return frames.length > 0 || wchan === undefined || !/^[a-z_]\w*$/i.test(wchan) ? frames : [wchan];
}

function processCpuMs(stat: string | undefined): number | undefined {
  if (stat === undefined) return undefined;
  const { userTicks, systemTicks } = parseStat(stat);
  return (userTicks + systemTicks) * tickMs;
}
