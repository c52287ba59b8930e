import { readFileSync } from 'node:fs';
import { UsageError } from '../error.ts';

/** CPU numbers, ascending, each once; at least one. */
export type CpuList = readonly number[];

/** Linux knows no higher number. */
const highest = 8_191;

/**
 * Of a list as taskset has it: `0,2-3`, `0-6:2`.
 * @param flag whose value this is, for messages.
 * @throws {UsageError} bad-cpus, for what is no list; no-such-cpu, for a CPU that is not online here.
 */
export function parseCpus(text: string, flag: string, online: CpuList = onlineCpus()): CpuList {
  const cpus = readList(text);
  if (cpus === undefined)
    throw new UsageError('bad-cpus', `Expected ${flag} to be a list of CPUs like 0,2-3, got "${text}".`);
  const missing = cpus.filter((cpu) => !online.includes(cpu));
  if (missing.length > 0)
    throw new UsageError(
      'no-such-cpu',
      `Expected ${flag} to name CPUs out of ${formatCpus(online)}, got ${formatCpus(missing)}.`,
    );
  return cpus;
}

/** `0-1,4`, as the kernel writes it. */
export function formatCpus(cpus: CpuList): string {
  const ranges: [number, number][] = [];
  for (const cpu of cpus) {
    const last = ranges.at(-1);
    if (last && last[1] === cpu - 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** @throws when /sys does not tell. */
export function onlineCpus(): CpuList {
  return readList(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()) ?? [];
}

function readList(text: string): CpuList | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5}))?)?$/.exec(part.trim());
    if (!match) return undefined;
    const [first, last, step] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
    if (first > last || last > highest || step < 1) return undefined;
    for (let cpu = first; cpu <= last; cpu += step) cpus.add(cpu);
  }
  return [...cpus].toSorted((a, b) => a - b);
}
