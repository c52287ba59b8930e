import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the demo shows of one span. */
export interface StageResult {
  readonly stage: string;
  readonly durationMs: number;
  /** Of perf; absent without it. */
  readonly samples?: number;
  /** Functions that most samples were in, with their share, 0..1. */
  readonly top: readonly (readonly [name: string, share: number])[];
  readonly flamegraph?: string;
  /** Of the server, percent of one core. */
  readonly cpuPercent?: number;
  readonly rssBytes?: number;
}

interface SpanFile {
  readonly stage: string;
  readonly durationMs: number;
  readonly targets: readonly {
    readonly target: string;
    readonly hooks: Readonly<Record<string, { readonly samples?: number }>>;
  }[];
}

interface MetricsFile {
  readonly process?: { readonly rssMaxBytes?: number };
  readonly series: Readonly<Record<string, { readonly mean: number }>>;
}

/** The spans of a session folder, in order. */
export function readStages(session: string): StageResult[] {
  const folder = join(session, 'spans');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .filter((name) => existsSync(join(folder, name, 'span.json')))
    .map((name) => readStage(join(folder, name)));
}

function readStage(folder: string): StageResult {
  const { stage, durationMs, targets } = readJson<SpanFile>(join(folder, 'span.json'));
  const [first] = targets;
  if (first === undefined) return { stage, durationMs, top: [] };
  const files = join(folder, first.target);
  const samples = first.hooks['perf-record']?.samples;
  const flamegraph = join(files, 'flamegraph.html');
  const metrics = join(files, 'metrics.json');
  const stacks = join(files, 'stacks.folded');
  return {
    stage,
    durationMs,
    ...(samples === undefined ? {} : { samples }),
    top: existsSync(stacks) ? topFunctions(readFileSync(stacks, 'utf8'), 3) : [],
    ...(existsSync(flamegraph) ? { flamegraph } : {}),
    ...(existsSync(metrics) ? readServer(metrics) : {}),
  };
}

function readServer(path: string): Pick<StageResult, 'cpuPercent' | 'rssBytes'> {
  const { process, series } = readJson<MetricsFile>(path);
  const user = series['process.userPercent'];
  const system = series['process.systemPercent'];
  return {
    ...(user && system ? { cpuPercent: user.mean + system.mean } : {}),
    ...(process?.rssMaxBytes === undefined ? {} : { rssBytes: process.rssMaxBytes }),
  };
}

/** By the samples that were in a function itself, not in what it called. */
export function topFunctions(folded: string, count: number): [name: string, share: number][] {
  const own = new Map<string, number>();
  let all = 0;
  for (const line of folded.split('\n')) {
    const blank = line.lastIndexOf(' ');
    const samples = Number(line.slice(blank + 1));
    if (blank < 0 || !(samples > 0)) continue;
    const leaf = line.slice(line.lastIndexOf(';', blank) + 1, blank);
    own.set(leaf, (own.get(leaf) ?? 0) + samples);
    all += samples;
  }
  return [...own]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, samples]) => [name, samples / all]);
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
