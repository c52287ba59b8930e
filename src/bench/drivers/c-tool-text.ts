import type { TextReading } from './bench-text.ts';
import { wholeLines } from './kept-text.ts';
import { silent, type Reading } from './reading.ts';

/**
 * The text of the older benchmark in C, and of valkey-benchmark without --csv: `====== GET ======`, `throughput summary:`,
 * `latency summary (msec):` with a line of titles and one of figures; `baseline network latency (msec):` likewise, and
 * recall in percent, or as a fraction from its optimizer.
 */
export function readCToolText(output: string): TextReading {
  const lines = wholeLines(output);
  const starts = lines.flatMap((line, i) => {
    const title = /^\s*====== (.+) ======\s*$/.exec(line)?.[1];
    return title === undefined || title === 'DATASET RECALL STATISTICS' ? [] : [{ title, i }];
  });
  if (starts.length === 0 && lines.some((line) => line.includes('throughput summary:')))
    starts.push({ title: 'unnamed', i: -1 });
  const all = recallOf(lines);
  const readings: Reading[] = [];
  for (const [n, { title, i }] of starts.entries()) {
    const reading = readSection(title, lines.slice(i + 1, starts[n + 1]?.i));
    if (reading === undefined) return { state: 'broken', at: title };
    readings.push({
      ...reading,
      ...all,
      baselineLatencyAvg: tableOf(lines, 'baseline network latency')?.get('avg') ?? null,
    });
  }
  return readings.length === 0 ? { state: 'none' } : { state: 'read', readings };
}

function readSection(name: string, lines: readonly string[]): Reading | undefined {
  const text = lines.join('\n');
  const qps = /^\s*throughput summary:\s*([\d.]+) requests per second/m.exec(text)?.[1];
  const table = tableOf(lines, 'latency summary');
  const [avg, p50, p95, p99, max] = ['avg', 'p50', 'p95', 'p99', 'max'].map((column) => table?.get(column));
  if (qps === undefined || avg === undefined || p50 === undefined || p95 === undefined) return undefined;
  if (p99 === undefined || max === undefined) return undefined;
  const [, requests, seconds] = /^\s*(\d+) requests completed in ([\d.]+) seconds/m.exec(text) ?? [];
  return {
    ...silent,
    name,
    qps: Number(qps),
    latencyAvg: avg,
    latencyP50: p50,
    latencyP95: p95,
    latencyP99: p99,
    latencyMax: max,
    requests: requests === undefined ? null : Number(requests),
    durationMs: seconds === undefined ? null : Number(seconds) * 1000,
  };
}

/** The figures below a title, by the word above each. */
function tableOf(lines: readonly string[], title: string): ReadonlyMap<string, number> | undefined {
  const at = lines.findIndex((line) => line.trimStart().startsWith(`${title} (msec):`));
  if (at < 0) return undefined;
  const [names = [], figures = []] = lines.slice(at + 1, at + 3).map((line) => line.trim().split(/\s+/));
  if (names.length !== figures.length || !figures.every((word) => /^\d+(\.\d+)?$/.test(word)))
    return undefined;
  return new Map(names.map((name, i) => [name, Number(figures[i])]));
}

function recallOf(lines: readonly string[]): Pick<Reading, 'recallAvg' | 'recallMin' | 'recallMax'> {
  const at = lines.findIndex((line) => /^\s*Recall@\d+:/.test(line));
  const percent = (word: string): number | null => {
    if (at < 0) return null;
    const found = new RegExp(`^\\s*${word}:\\s*([\\d.]+)%`, 'm').exec(lines.slice(at).join('\n'))?.[1];
    return found === undefined ? null : Number(found) / 100;
  };
  const fraction = lines.map((line) => /^\s*Recall Avg:\s*([\d.]+)/.exec(line)?.[1]).findLast(Boolean);
  const average = percent('Average');
  return {
    recallAvg: average ?? (fraction === undefined ? null : Number(fraction)),
    recallMin: percent('Min'),
    recallMax: percent('Max'),
  };
}
