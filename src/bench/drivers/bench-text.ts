import { wholeLines } from './kept-text.ts';
import { silent, type Reading } from './reading.ts';

/** What was made of a program's text: `broken` is a result that begins and does not end. */
export type TextReading =
  | { readonly state: 'read'; readonly readings: readonly Reading[] }
  | { readonly state: 'broken'; readonly at: string }
  | { readonly state: 'none' };

/** Titles of valkey-bench-rs that head no result. */
const otherTitles =
  /^(OPTIMIZATION MODE|Optimization Summary|Best Configuration|Measurement History|Recommended Command Line)$/;

const figure = '([\\d,]+(?:\\.\\d+)?)';
const throughput = new RegExp(
  `^Throughput: ${figure} req/s \\| Requests: ${figure} \\| Duration: ${figure}s(?: \\| Errors: ${figure})?`,
);
const latency = new RegExp(
  `^Latency \\(ms\\): avg=${figure} p50=${figure} p95=${figure} p99=${figure} p99\\.9=${figure} max=${figure}`,
);
const recall = new RegExp(`^Recall: avg=${figure} min=${figure} max=${figure}`);
const baseRtt = new RegExp(`^Base RTT: PING avg=${figure}ms`);
const keyspace = new RegExp(`^Keyspace: hits=${figure} misses=${figure} hit-rate=${figure}%`);

/**
 * The results in what valkey-bench-rs prints: `=== GET ===` and the lines below it, one for each test. Log lines may
 * stand between them.
 */
export function readBenchText(output: string): TextReading {
  const lines = wholeLines(output);
  const baseline = lines.map((line) => baseRtt.exec(line)?.[1]).find((avg) => avg !== undefined);
  const starts = lines.flatMap((line, i) => {
    const title = /^=== (.+) ===$/.exec(line)?.[1];
    return title === undefined || otherTitles.test(title) ? [] : [{ title, i }];
  });
  const readings: Reading[] = [];
  for (const [n, { title, i }] of starts.entries()) {
    const reading = readSection(title, lines.slice(i + 1, starts[n + 1]?.i));
    if (reading === undefined) return { state: 'broken', at: title };
    readings.push({ ...reading, baselineLatencyAvg: baseline === undefined ? null : number(baseline) });
  }
  return readings.length === 0 ? { state: 'none' } : { state: 'read', readings };
}

function readSection(name: string, lines: readonly string[]): Reading | undefined {
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    for (const line of lines) {
      const found = pattern.exec(line);
      if (found) return found;
    }
    return undefined;
  };
  const rate = match(throughput);
  const times = match(latency);
  if (rate === undefined || times === undefined) return undefined;
  const [, qps = '', requests = '', seconds = '', errors] = rate;
  const [, avg = '', p50 = '', p95 = '', p99 = '', , max = ''] = times;
  const [, recallAvg, recallMin, recallMax] = match(recall) ?? [];
  const found = match(keyspace);
  return {
    ...silent,
    name,
    qps: number(qps),
    latencyAvg: number(avg),
    latencyP50: number(p50),
    latencyP95: number(p95),
    latencyP99: number(p99),
    latencyMax: number(max),
    recallAvg: recallAvg === undefined ? null : number(recallAvg),
    recallMin: recallMin === undefined ? null : number(recallMin),
    recallMax: recallMax === undefined ? null : number(recallMax),
    errors: errors === undefined ? [] : [{ kind: 'unknown', count: number(errors) }],
    requests: number(requests),
    durationMs: number(seconds) * 1000,
    warnings: found === undefined ? [] : missWarning(number(found[1]!), number(found[2]!)),
  };
}

/** A GET that finds nothing is another, cheaper operation than the one that was meant. */
function missWarning(hits: number, misses: number): Reading['warnings'] {
  const share = misses / (hits + misses);
  if (!(share > 0.01)) return [];
  return [
    {
      code: 'misses',
      message: `${Math.round(share * 100)} % of the keys asked for were not there: ${misses} of ${hits + misses}. Load them first, with the same keyspace.`,
    },
  ];
}

function number(text: string): number {
  return Number(text.replaceAll(',', ''));
}
