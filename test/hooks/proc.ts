import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of a thread, read plainly and by itself. */
export interface ProcThread {
  readonly name: string;
  readonly cpuTicks: number;
  readonly runNs: number;
  readonly runQueueNs: number;
  readonly voluntary: number;
  readonly involuntary: number;
}

export interface ProcReading {
  readonly atNs: bigint;
  readonly threads: ReadonlyMap<number, ProcThread>;
}

export function readThreads(pid: number): ProcReading {
  const threads = new Map<number, ProcThread>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const read = (name: string): string => readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'utf8');
    const [runNs = 0, runQueueNs = 0] = read('schedstat').split(' ').map(Number);
    const fields = read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    const count = (key: string): number =>
      Number(new RegExp(`^${key}_ctxt_switches:\\s+(\\d+)`, 'm').exec(read('status'))?.[1]);
    threads.set(Number(tid), {
      name: read('comm').trim(),
      cpuTicks: Number(fields[11]) + Number(fields[12]),
      runNs,
      runQueueNs,
      voluntary: count('voluntary'),
      involuntary: count('nonvoluntary'),
    });
  }
  return { atNs: process.hrtime.bigint(), threads };
}

/** How a figure of a thread grew between two readings. */
export function grown(
  before: ProcReading,
  after: ProcReading,
  tid: number,
  figure: Exclude<keyof ProcThread, 'name'>,
): number {
  return (after.threads.get(tid)?.[figure] ?? 0) - (before.threads.get(tid)?.[figure] ?? 0);
}
