import { parseStat } from '../restore/stat.ts';
import { rounded } from './system-sample.ts';

/** The files that hold a process's counters, in the order that parseProcess takes their texts. */
export function processFiles(pid: number): readonly string[] {
  return [`/proc/${pid}/stat`, `/proc/${pid}/status`];
}

export interface ProcessCounters {
  /** Of all threads, clock ticks of 10 ms. */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly threads: number;
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  readonly swapBytes: number;
  /** Of the main thread. */
  readonly voluntarySwitches: number;
}

/** What a process did between two readings of its counters. Percent of one core: several threads may exceed 100. */
export interface ProcessSample {
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  readonly swapBytes: number;
  readonly threads: number;
  readonly userPercent: number;
  readonly systemPercent: number;
  readonly minorFaultsPerSecond: number;
  readonly majorFaultsPerSecond: number;
  /** Of the main thread. */
  readonly voluntarySwitchesPerSecond: number;
}

const msPerTick = 10;

/** Undefined when the process is gone, or only waits to be reaped. */
export function parseProcess([stat, status]: readonly (string | undefined)[]): ProcessCounters | undefined {
  if (stat === undefined || status === undefined) return undefined;
  const rss = field(status, 'VmRSS');
  if (rss === undefined) return undefined;
  const { userTicks, systemTicks, minorFaults, majorFaults, threads } = parseStat(stat);
  return {
    userTicks,
    systemTicks,
    minorFaults,
    majorFaults,
    threads,
    rssBytes: rss * 1024,
    anonymousBytes: (field(status, 'RssAnon') ?? 0) * 1024,
    swapBytes: (field(status, 'VmSwap') ?? 0) * 1024,
    voluntarySwitches: field(status, 'voluntary_ctxt_switches') ?? 0,
  };
}

export function processBetween(
  before: ProcessCounters,
  after: ProcessCounters,
  intervalMs: number,
): ProcessSample {
  const { rssBytes, anonymousBytes, swapBytes, threads } = after;
  const per = (key: keyof ProcessCounters, ms: number): number =>
    rounded((Math.max(0, after[key] - before[key]) / intervalMs) * ms);
  return {
    rssBytes,
    anonymousBytes,
    swapBytes,
    threads,
    userPercent: per('userTicks', 100 * msPerTick),
    systemPercent: per('systemTicks', 100 * msPerTick),
    minorFaultsPerSecond: per('minorFaults', 1000),
    majorFaultsPerSecond: per('majorFaults', 1000),
    voluntarySwitchesPerSecond: per('voluntarySwitches', 1000),
  };
}

function field(status: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status);
  return match ? Number(match[1]) : undefined;
}
