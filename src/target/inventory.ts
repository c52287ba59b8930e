import { readdir, readFile } from 'node:fs/promises';

/** What a machine is: for session.json, so that figures can be compared. What cannot be learned is absent. */
export interface Inventory {
  readonly cpu?: { readonly model: string; readonly cores: number; readonly physicalCores: number };
  readonly memoryBytes?: number;
  readonly os?: {
    readonly name: string;
    readonly release: string;
    readonly kernel: string;
    readonly arch: string;
  };
  /** `kvm`, `docker`, ...: absent on bare metal. */
  readonly virtualisation?: string;
  /** `performance`, `powersave`, ...; all of them where cores differ. */
  readonly governors?: readonly string[];
  /** `always`, `madvise`, `never`. */
  readonly transparentHugepages?: string;
  /** `tsc`, `kvm-clock`, ... */
  readonly clockSource?: string;
  readonly numaNodes?: number;
}

/** Takes up to a second, and starts programs: call it at a quiet moment. @throws never. */
export async function readInventory(): Promise<Inventory> {
  const [machine, settings] = await Promise.all([readMachine().catch(() => ({})), readSettings()]);
  return { ...machine, ...settings };
}

async function readMachine(): Promise<Inventory> {
  // Loaded late: it costs 30 ms of start-up.
  const { default: system } = await import('systeminformation');
  const [cpu, memory, os, info] = await Promise.all([
    system.cpu(),
    system.mem(),
    system.osInfo(),
    system.system(),
  ]);
  return {
    cpu: {
      model: [cpu.manufacturer, cpu.brand].filter(Boolean).join(' '),
      cores: cpu.cores,
      physicalCores: cpu.physicalCores,
    },
    memoryBytes: memory.total,
    os: { name: os.distro, release: os.release, kernel: os.kernel, arch: os.arch },
    ...(info.virtual ? { virtualisation: info.virtualHost || info.model || 'yes' } : {}),
  };
}

/** The part that needs no program: settings of the kernel. Takes a millisecond. @throws never. */
export async function readSettings(): Promise<Inventory> {
  const [governors, hugepages, clockSource, nodes] = await Promise.all([
    readGovernors(),
    readLine('/sys/kernel/mm/transparent_hugepage/enabled'),
    readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
    listFolder('/sys/devices/system/node'),
  ]);
  const numaNodes = nodes.filter((name) => /^node\d+$/.test(name)).length;
  // `always [madvise] never`: the one in brackets is on.
  const transparentHugepages = hugepages && /\[(\w+)\]/.exec(hugepages)?.[1];
  return {
    ...(governors.length > 0 ? { governors } : {}),
    ...(transparentHugepages ? { transparentHugepages } : {}),
    ...(clockSource ? { clockSource } : {}),
    ...(numaNodes > 0 ? { numaNodes } : {}),
  };
}

async function readGovernors(): Promise<string[]> {
  const folder = '/sys/devices/system/cpu';
  const cores = (await listFolder(folder)).filter((name) => /^cpu\d+$/.test(name));
  const all = await Promise.all(cores.map((core) => readLine(`${folder}/${core}/cpufreq/scaling_governor`)));
  return [...new Set(all.filter((governor) => governor !== undefined))].toSorted();
}

async function readLine(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => '')).trim() || undefined;
}

function listFolder(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}
