import { wholeLines } from './kept-text.ts';
import { silent, type Reading } from './reading.ts';

/** What `--optimize` of valkey-bench-rs found. */
export type OptimizerReading =
  | {
      readonly state: 'found';
      /** As it names them: `clients`, `ef_search`. */
      readonly parameters: ReadonlyMap<string, number>;
      readonly reading: Reading;
    }
  /** It ended, with exit code 0, and no configuration held its constraints. */
  | { readonly state: 'infeasible' }
  | { readonly state: 'broken' }
  /** This is no output of the optimizer. */
  | { readonly state: 'none' };

/** @param hasRecall otherwise its `recall: 0.0000` only means that there is none. */
export function readOptimizerText(output: string, name: string, hasRecall: boolean): OptimizerReading {
  const text = `${wholeLines(output).join('\n')}\n`;
  if (!/^=== (OPTIMIZATION MODE|Optimization Summary) ===$/m.test(text)) return { state: 'none' };
  const summary = text.split(/^=== Optimization Summary ===$/m)[1];
  if (summary === undefined) return { state: 'broken' };
  const [, best] = summary.split(/^=== Best Configuration ===$/m);
  if (best === undefined) return { state: 'infeasible' };
  const section = best.split(/^=== /m)[0]!;
  const configuration = /^Config: \{(.*)\}$/m.exec(section)?.[1];
  const metrics = new Map(
    [...section.matchAll(/^\s+(\w+): (\d+(?:\.\d+)?)(?: ms| req\/s)?$/gm)].map(([, key, value]) => [
      key!,
      Number(value),
    ]),
  );
  const [qps, avg, p50, p95, p99, max] = [
    ...['qps', 'mean_latency_ms', 'p50_ms', 'p95_ms', 'p99_ms', 'max_latency_ms'],
  ].map((metric) => metrics.get(metric));
  if (configuration === undefined || qps === undefined || avg === undefined || p50 === undefined)
    return { state: 'broken' };
  if (p95 === undefined || p99 === undefined || max === undefined) return { state: 'broken' };
  return {
    state: 'found',
    parameters: new Map(
      configuration
        .split(', ')
        .map((pair) => pair.split('='))
        .map(([key = '', value]) => [key, Number(value)]),
    ),
    reading: {
      ...silent,
      name,
      qps,
      latencyAvg: avg,
      latencyP50: p50,
      latencyP95: p95,
      latencyP99: p99,
      latencyMax: max,
      recallAvg: hasRecall ? (metrics.get('recall') ?? null) : null,
    },
  };
}
