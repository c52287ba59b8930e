import { readStat } from '../../src/restore/stat.ts';

/** This process, as a journal names the one that writes it. */
export function processSelf(): { pid: number; startTicks: number } {
  return { pid: process.pid, startTicks: readStat(process.pid)!.startTicks };
}
