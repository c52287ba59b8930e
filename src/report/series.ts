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
 * Reads metrics.ndjson, as a stream. Long series are thinned to at most 8,000 points, each the mean of neighbours.
 * @param zeroNs where the axis begins.
 * @param wanted which figures; names are paths, `cpu.total.userPercent`.
 */
export async function readSeries(
  path: string,
  zeroNs: number,
  wanted: (name: string) => boolean,
): Promise<SeriesGroup[]> {
  const groups = new Map<string, Growing>();
  const input = createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Infinity });
  try {
    for await (const line of lines) take(groups, line, zeroNs, wanted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return [...groups.values()].map(finish);
}

function take(
  groups: Map<string, Growing>,
  line: string,
  zeroNs: number,
  wanted: (name: string) => boolean,
): void {
  let sample: Record<string, unknown>;
  try {
    sample = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return; // the last line of a session that was cut short
  }
  if (typeof sample !== 'object' || sample === null) return;
  const { hook, target, monoNs } = sample;
  if (typeof hook !== 'string' || typeof target !== 'string' || typeof monoNs !== 'number') return;
  const key = JSON.stringify([hook, target]);
  let group = groups.get(key);
  if (group === undefined) {
    group = { hook, target, timesMs: [], values: new Map(), samples: 0, stride: 1, pending: none() };
    groups.set(key, group);
  }
  group.samples++;
  const { pending } = group;
  pending.samples++;
  pending.timeMs += (monoNs - zeroNs) / 1e6;
  for (const [name, value] of figuresOf(sample)) {
    if (!wanted(name)) continue;
    const sum = pending.sums.get(name);
    if (sum) {
      sum.sum += value;
      sum.count++;
    } else if (pending.sums.size < MOST_NAMES) pending.sums.set(name, { sum: value, count: 1 });
  }
  if (pending.samples >= group.stride) flush(group);
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

function finish(group: Growing): SeriesGroup {
  flush(group);
  const { hook, target, timesMs, values, samples } = group;
  return { hook, target, timesMs, values: Object.fromEntries(values), samples };
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
