import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadResult } from '../../src/load/result.ts';

/** What came of one stage: of the benchmark's result, and of the span that was profiled meanwhile. */
export interface StageOutcome {
  readonly stage: string;
  readonly qps: number;
  readonly p99Ms?: number;
  /** 0..1, queries only. */
  readonly recall?: number;
  /** CPU time of the server per request, µs. */
  readonly cpuUsPerRequest?: number;
  /** The function that most samples were in itself, and its share, 0..1. */
  readonly hottest?: { readonly name: string; readonly share: number };
  readonly flamegraph?: string;
}

interface SpanFile {
  readonly stage: string;
  readonly targets: readonly {
    readonly target: string;
    readonly hooks: { readonly threads?: { readonly cpuMs?: number } };
  }[];
}

/** All stages that have a result, in their order. @param results one JSON for each, as `load --json` wrote it. */
export function readOutcomes(session: string, results: string): StageOutcome[] {
  const spans = join(session, 'spans');
  const folders = existsSync(spans) ? readdirSync(spans).toSorted() : [];
  return folders
    .map((name) => join(spans, name))
    .filter((folder) => existsSync(join(folder, 'span.json')))
    .flatMap((folder) => {
      const span = readJson<SpanFile>(join(folder, 'span.json'));
      const result = join(results, `${span.stage.replace(':', '.')}.json`);
      if (!existsSync(result)) return [];
      const [loaded] = readJson<{ results: LoadResult[] }>(result).results;
      return loaded === undefined ? [] : [outcomeOf(span, folder, loaded)];
    });
}

function outcomeOf({ stage, targets }: SpanFile, folder: string, result: LoadResult): StageOutcome {
  const { throughput: qps, latency, recall, requests } = result;
  const profiled = targets[0];
  // The `threads` hook reads the server's user and system time, of all its threads, from /proc when the stage begins
  // and when it ends; the difference over the requests of the stage is what one of them cost.
  const cpuMs = profiled?.hooks.threads?.cpuMs;
  const files = join(folder, profiled?.target ?? '');
  const hottest = hottestFunction(join(files, 'stacks.folded'));
  const flamegraph = join(files, 'flamegraph.html');
  return {
    stage,
    qps,
    ...(latency !== null && { p99Ms: latency.p99Ms }),
    ...(recall !== null && { recall: recall.avg }),
    ...(cpuMs !== undefined && requests > 0 && { cpuUsPerRequest: (cpuMs * 1000) / requests }),
    ...(hottest !== undefined && { hottest }),
    ...(existsSync(flamegraph) && { flamegraph }),
  };
}

/** Of folded stacks: `main;serve;search 42` a line, the innermost function last. */
function hottestFunction(path: string): StageOutcome['hottest'] {
  if (!existsSync(path)) return undefined;
  const own = new Map<string, number>();
  let all = 0;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const match = /([^;]*) (\d+)$/.exec(line);
    if (match === null) continue;
    const [, name = '', samples] = match;
    own.set(name, (own.get(name) ?? 0) + Number(samples));
    all += Number(samples);
  }
  const [most] = [...own].toSorted(([, a], [, b]) => b - a);
  // V8 adds a file and a line: `JS:*searchLayer file:///...`.
  return most && { name: most[0].replace(/^(JS:\S+) .*/, '$1'), share: most[1] / all };
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
