import type { CpuTicks, DiskCounters, InterfaceCounters, SystemCounters } from './system-counters.ts';

/** Percent of the interval. */
export interface CpuShares {
  readonly userPercent: number;
  readonly systemPercent: number;
  readonly iowaitPercent: number;
  readonly stealPercent: number;
  readonly idlePercent: number;
}

export interface NetworkRates {
  readonly rxBytesPerSecond: number;
  readonly txBytesPerSecond: number;
  readonly rxPacketsPerSecond: number;
  readonly txPacketsPerSecond: number;
}

export interface DiskRates {
  readonly readBytesPerSecond: number;
  readonly writtenBytesPerSecond: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly busyPercent: number;
}

export interface PressureShares {
  readonly someAvg10Percent: number;
  readonly fullAvg10Percent: number;
  /** Within the interval, µs. */
  readonly someStallUs: number;
  readonly fullStallUs: number;
}

/** What a machine did between two readings of its counters. A CPU without a tick in between is left out. */
export interface SystemSample {
  readonly cpu: { readonly total?: CpuShares; readonly cores: Readonly<Record<string, CpuShares>> };
  readonly memory: SystemCounters['memory'];
  readonly network: {
    /** Without lo. */
    readonly total: NetworkRates;
    readonly interfaces: Readonly<Record<string, NetworkRates>>;
  };
  readonly disks: Readonly<Record<string, DiskRates>>;
  readonly pressure: Readonly<Record<string, PressureShares>>;
  readonly load: { readonly '1m': number; readonly '5m': number; readonly '15m': number };
}

/** @param isWholeDisk tells disks from their partitions. */
export function systemBetween(
  before: SystemCounters,
  after: SystemCounters,
  intervalMs: number,
  isWholeDisk: (name: string) => boolean,
): SystemSample {
  const seconds = intervalMs / 1000;
  const interfaces = mapBoth(before.interfaces, after.interfaces, (from, to) =>
    networkRates(from, to, seconds),
  );
  const total = cpuShares(before.cpu, after.cpu);
  const [one, five, fifteen] = after.load;
  return {
    cpu: { ...(total ? { total } : {}), cores: mapBoth(before.cores, after.cores, cpuShares) },
    memory: after.memory,
    network: { total: sumRates(interfaces), interfaces },
    disks: mapBoth(before.disks, after.disks, (from, to, name) =>
      isWholeDisk(name) ? diskRates(from, to, intervalMs) : undefined,
    ),
    pressure: mapBoth(before.pressure, after.pressure, (from, to) => ({
      someAvg10Percent: to.someAvg10,
      fullAvg10Percent: to.fullAvg10,
      someStallUs: to.someUs - from.someUs,
      fullStallUs: to.fullUs - from.fullUs,
    })),
    load: { '1m': one, '5m': five, '15m': fifteen },
  };
}

/** Two decimals are enough, and keep lines short. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function cpuShares(before: CpuTicks, after: CpuTicks): CpuShares | undefined {
  // iowait may fall, since the kernel only guesses it: proc(5).
  const spent = (key: keyof CpuTicks): number => Math.max(0, after[key] - before[key]);
  const ticks = spent('user') + spent('system') + spent('iowait') + spent('steal') + spent('idle');
  if (ticks === 0) return undefined;
  const percent = (key: keyof CpuTicks): number => rounded((spent(key) / ticks) * 100);
  return {
    userPercent: percent('user'),
    systemPercent: percent('system'),
    iowaitPercent: percent('iowait'),
    stealPercent: percent('steal'),
    idlePercent: percent('idle'),
  };
}

function networkRates(before: InterfaceCounters, after: InterfaceCounters, seconds: number): NetworkRates {
  const rate = (key: keyof InterfaceCounters): number =>
    rounded(Math.max(0, after[key] - before[key]) / seconds);
  return {
    rxBytesPerSecond: rate('rxBytes'),
    txBytesPerSecond: rate('txBytes'),
    rxPacketsPerSecond: rate('rxPackets'),
    txPacketsPerSecond: rate('txPackets'),
  };
}

function sumRates(interfaces: Readonly<Record<string, NetworkRates>>): NetworkRates {
  const outer = Object.entries(interfaces).flatMap(([name, rates]) => (name === 'lo' ? [] : [rates]));
  const sum = (key: keyof NetworkRates): number => rounded(outer.reduce((all, rates) => all + rates[key], 0));
  return {
    rxBytesPerSecond: sum('rxBytesPerSecond'),
    txBytesPerSecond: sum('txBytesPerSecond'),
    rxPacketsPerSecond: sum('rxPacketsPerSecond'),
    txPacketsPerSecond: sum('txPacketsPerSecond'),
  };
}

function diskRates(before: DiskCounters, after: DiskCounters, intervalMs: number): DiskRates {
  const per = (key: keyof DiskCounters, ms: number): number =>
    rounded((Math.max(0, after[key] - before[key]) / intervalMs) * ms);
  return {
    readBytesPerSecond: per('readBytes', 1000),
    writtenBytesPerSecond: per('writtenBytes', 1000),
    readsPerSecond: per('reads', 1000),
    writesPerSecond: per('writes', 1000),
    busyPercent: Math.min(100, per('busyMs', 100)),
  };
}

/** What both readings have. */
function mapBoth<In, Out>(
  before: ReadonlyMap<string, In>,
  after: ReadonlyMap<string, In>,
  between: (from: In, to: In, name: string) => Out | undefined,
): Record<string, Out> {
  const entries = [...after].flatMap(([name, to]) => {
    const from = before.get(name);
    const out = from === undefined ? undefined : between(from, to, name);
    return out === undefined ? [] : [[name, out] as const];
  });
  return Object.fromEntries(entries);
}
