/** The files that hold a machine's counters, in the order that parseSystem takes their texts. */
export const systemFiles: readonly string[] = [
  '/proc/stat',
  '/proc/meminfo',
  '/proc/net/dev',
  '/proc/diskstats',
  '/proc/pressure/cpu',
  '/proc/pressure/memory',
  '/proc/pressure/io',
  '/proc/loadavg',
];

/** Clock ticks of 10 ms since boot. */
export interface CpuTicks {
  readonly user: number;
  readonly system: number;
  readonly iowait: number;
  readonly steal: number;
  readonly idle: number;
}

export interface InterfaceCounters {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly txBytes: number;
  readonly txPackets: number;
}

export interface DiskCounters {
  readonly reads: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writtenBytes: number;
  readonly busyMs: number;
}

/** Pressure stall information: the share of time in which some, or all, tasks waited. */
export interface PressureCounters {
  readonly someAvg10: number;
  readonly someUs: number;
  readonly fullAvg10: number;
  readonly fullUs: number;
}

export interface SystemCounters {
  readonly cpu: CpuTicks;
  readonly cores: ReadonlyMap<string, CpuTicks>;
  readonly memory: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly freeBytes: number;
    readonly cachedBytes: number;
    readonly swapUsedBytes: number;
    readonly dirtyBytes: number;
  };
  readonly interfaces: ReadonlyMap<string, InterfaceCounters>;
  /** Partitions too. */
  readonly disks: ReadonlyMap<string, DiskCounters>;
  /** `cpu`, `memory`, `io`; empty where the kernel has none. */
  readonly pressure: ReadonlyMap<string, PressureCounters>;
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
}

/** A sector of /proc/diskstats, whatever the disk's own. */
const sectorBytes = 512;

/** @param texts of systemFiles; what is not there counts as nothing. */
export function parseSystem(texts: readonly (string | undefined)[]): SystemCounters {
  const [stat = '', meminfo = '', netDev = '', diskstats = '', cpu, memory, io, loadavg = ''] = texts;
  const { total, cores } = parseCpus(stat);
  const [one = 0, five = 0, fifteen = 0] = loadavg.split(' ').map(Number);
  const pressures = [['cpu', cpu] as const, ['memory', memory] as const, ['io', io] as const];
  return {
    cpu: total,
    cores,
    memory: parseMemory(meminfo),
    interfaces: parseInterfaces(netDev),
    disks: parseDisks(diskstats),
    pressure: new Map(pressures.flatMap(([name, text]) => (text ? [[name, parsePressure(text)]] : []))),
    load: [one, five, fifteen],
  };
}

function parseCpus(text: string): { total: CpuTicks; cores: Map<string, CpuTicks> } {
  let total: CpuTicks = { user: 0, system: 0, iowait: 0, steal: 0, idle: 0 };
  const cores = new Map<string, CpuTicks>();
  for (const line of text.split('\n')) {
    // They stand first; the long line of interrupts after them is not worth splitting.
    if (!line.startsWith('cpu')) break;
    const [name = '', ...ticks] = line.split(/ +/);
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
      ticks.map(Number);
    const cpu = { user: user + nice, system: system + irq + softirq, iowait, steal, idle };
    if (name === 'cpu') total = cpu;
    else cores.set(name.slice('cpu'.length), cpu);
  }
  return { total, cores };
}

function parseMemory(text: string): SystemCounters['memory'] {
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return {
    totalBytes: bytes('MemTotal'),
    availableBytes: bytes('MemAvailable'),
    freeBytes: bytes('MemFree'),
    cachedBytes: bytes('Cached'),
    swapUsedBytes: bytes('SwapTotal') - bytes('SwapFree'),
    dirtyBytes: bytes('Dirty'),
  };
}

function parseInterfaces(text: string): Map<string, InterfaceCounters> {
  const interfaces = new Map<string, InterfaceCounters>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/ +/)
      .map(Number);
    const [rxBytes = 0, rxPackets = 0] = fields;
    const [txBytes = 0, txPackets = 0] = fields.slice(8);
    interfaces.set(line.slice(0, colon).trim(), { rxBytes, rxPackets, txBytes, txPackets });
  }
  return interfaces;
}

function parseDisks(text: string): Map<string, DiskCounters> {
  const disks = new Map<string, DiskCounters>();
  for (const line of text.split('\n')) {
    const [, , name, ...fields] = line.trim().split(/ +/);
    if (name === undefined) continue;
    const [reads = 0, , sectorsRead = 0, , writes = 0, , sectorsWritten = 0, , , busyMs = 0] =
      fields.map(Number);
    const readBytes = sectorsRead * sectorBytes;
    disks.set(name, { reads, readBytes, writes, writtenBytes: sectorsWritten * sectorBytes, busyMs });
  }
  return disks;
}

function parsePressure(text: string): PressureCounters {
  const read = (kind: string): readonly [avg10: number, us: number] => {
    const match = new RegExp(`^${kind} avg10=([\\d.]+) .*total=(\\d+)`, 'm').exec(text);
    return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  };
  const [someAvg10, someUs] = read('some');
  const [fullAvg10, fullUs] = read('full');
  return { someAvg10, someUs, fullAvg10, fullUs };
}
