import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** Samples of one hook at one target, on one time axis. */
export interface SeriesGroup {
  readonly hook: string;
  readonly target: string;
  /** From the session's zero, ms; ascending. */
  readonly timesMs: readonly number[];
  /** By name: `cpu.total.userPercent`; null where a sample does not have it. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  /** Samples in the file; more than `timesMs` where they were thinned. */
  readonly samples: number;
}

/** More names than this are not samples of ours: a foreign file must not eat the memory. */
const MOST_NAMES = 400;
/** A group that has twice this many samples is thinned to half: memory stays flat however long the session was. */
const KEPT = 4_000;

interface Growing {
  readonly hook: string;
  readonly target: string;
  timesMs: number[];
  readonly values: Map<string, (number | null)[]>;
  samples: number;
  /** So many samples become one. */
  stride: number;
  /** Of the point that is being gathered. */
  pending: { timeMs: number; sums: Map<string, { sum: number; count: number }>; samples: number };
}

/**
 * Gathers lines of metrics.ndjson. Long series are thinned to at most 8,000 points, each the mean of neighbours.
 */
export class SeriesCollector {
  readonly #groups = new Map<string, Growing>();
  readonly #zeroNs: number;
  readonly #wanted: (name: string) => boolean;

  /**
   * @param zeroNs where the axis begins: CLOCK_MONOTONIC, ns.
   * @param wanted which figures; names are paths, `cpu.total.userPercent`.
   */
  constructor(zeroNs: number, wanted: (name: string) => boolean) {
    this.#zeroNs = zeroNs;
    this.#wanted = wanted;
  }

  /** What is no sample is left out: the last line of a session that was cut short. */
  take(line: string): void {
    let sample: Record<string, unknown>;
    try {
      sample = JSON.parse(line) as Record<string, unknown>;
    } catch {
      return;
    }
    if (typeof sample !== 'object' || sample === null) return;
    const { hook, target, monoNs } = sample;
    if (typeof hook !== 'string' || typeof target !== 'string' || typeof monoNs !== 'number') return;
    const group = this.#groupOf(hook, target);
    const { pending } = group;
    group.samples++;
    pending.samples++;
    pending.timeMs += (monoNs - this.#zeroNs) / 1e6;
    for (const [name, value] of figuresOf(sample)) {
      if (!this.#wanted(name)) continue;
      const sum = pending.sums.get(name);
      if (sum) {
        sum.sum += value;
        sum.count++;
      } else if (pending.sums.size < MOST_NAMES) pending.sums.set(name, { sum: value, count: 1 });
    }
    if (pending.samples >= group.stride) flush(group);
  }

  /** What was gathered by now. @param points `whole`: without the last point of a thinned series, while it grows. */
  groups(points: 'all' | 'whole' = 'all'): SeriesGroup[] {
    return [...this.#groups.values()].map((group) => {
      if (points === 'all') flush(group);
      const { hook, target, timesMs, values, samples } = group;
      return { hook, target, timesMs, values: Object.fromEntries(values), samples };
    });
  }

  #groupOf(hook: string, target: string): Growing {
    const key = JSON.stringify([hook, target]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { hook, target, timesMs: [], values: new Map(), samples: 0, stride: 1, pending: none() };
      this.#groups.set(key, group);
    }
    return group;
  }
}

/** Reads a whole metrics.ndjson, as a stream. See SeriesCollector. No file is no series. */
export async function readSeries(
  path: string,
  zeroNs: number,
  wanted: (name: string) => boolean,
): Promise<SeriesGroup[]> {
  const collector = new SeriesCollector(zeroNs, wanted);
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity }))
      collector.take(line);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return collector.groups();
}

function flush(group: Growing): void {
  const { pending } = group;
  if (pending.samples === 0) return;
  group.timesMs.push(pending.timeMs / pending.samples);
  for (const name of pending.sums.keys())
    if (!group.values.has(name) && group.values.size < MOST_NAMES)
      group.values.set(name, Array<null>(group.timesMs.length - 1).fill(null));
  for (const [name, values] of group.values) {
    const sum = pending.sums.get(name);
    values.push(sum ? sum.sum / sum.count : null);
  }
  group.pending = none();
  if (group.timesMs.length >= 2 * KEPT) halve(group);
}

function halve(group: Growing): void {
  group.stride *= 2;
  group.timesMs = pairs(group.timesMs) as number[];
  for (const [name, values] of group.values) group.values.set(name, pairs(values));
}

function pairs(values: readonly (number | null)[]): (number | null)[] {
  const means: (number | null)[] = [];
  for (let i = 0; i < values.length; i += 2) {
    const a = values[i] ?? null;
    const b = values[i + 1] ?? null;
    means.push(a === null ? b : b === null ? a : (a + b) / 2);
  }
  return means;
}

function none(): Growing['pending'] {
  return { timeMs: 0, sums: new Map(), samples: 0 };
}

const HEAD = new Set(['t', 'monoNs', 'hook', 'target', 'intervalMs']);

/** The numbers of a sample, by path. */
function* figuresOf(value: object, path = ''): Generator<[string, number]> {
  for (const [key, inner] of Object.entries(value)) {
    if (path === '' && HEAD.has(key)) continue;
    const name = path === '' ? key : `${path}.${key}`;
    if (typeof inner === 'number') yield [name, inner];
    else if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      yield* figuresOf(inner, name);
  }
}
