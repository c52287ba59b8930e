import { readFileSync, readdirSync } from 'node:fs';

/** What /proc/PID/stat says of a process; proc(5) numbers the fields. */
export interface ProcessStat {
  readonly pid: number;
  /** At most 15 bytes of its name; may hold blanks and brackets. */
  readonly comm: string;
  /** `R`, `S`, `D`, `T`, `Z`, ... */
  readonly state: string;
  readonly ppid: number;
  /** Process group. */
  readonly pgrp: number;
  readonly session: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** CPU time of all threads, those that ended too; clock ticks of 10 ms. */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
  /** Clock ticks since boot: with the PID, the identity of a process. */
  readonly startTicks: number;
}

/** @throws RangeError if it is not the text of a /proc/PID/stat. */
export function parseStat(text: string): ProcessStat {
  // The name may hold brackets itself: it ends at the last one.
  const end = text.lastIndexOf(')');
  const start = text.indexOf('(');
  const fields = text.slice(end + 2).split(' ');
  /** @param field as proc(5) counts them; the state is the third. */
  const at = (field: number): number => Number(fields[field - 3]);
  if (start < 0 || end < start || !Number.isSafeInteger(at(22)))
    throw new RangeError(`Expected the text of /proc/PID/stat, got ${JSON.stringify(text.slice(0, 80))}`);
  return {
    pid: Number.parseInt(text, 10),
    comm: text.slice(start + 1, end),
    state: fields[0]!,
    ppid: at(4),
    pgrp: at(5),
    session: at(6),
    minorFaults: at(10),
    majorFaults: at(12),
    userTicks: at(14),
    systemTicks: at(15),
    threads: at(20),
    startTicks: at(22),
  };
}

/** Undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Every process there is; takes 2-10 ms for a few hundred. */
export function readStats(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
}

/** Gone is also a process that only waits for its parent to notice. */
export function isRunning(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}
