import { build, type Histogram } from 'hdr-histogram-js';
import { HIGHEST_US, SIGNIFICANT_DIGITS, valueOfBucket } from './latency-counts.ts';
import type { ErrorCount, IntervalCounts, LatencySummary, SecondOfLoad } from './result.ts';
import type { ThreadReport, ThreadSecond } from './thread-plan.ts';

/** Latencies and errors of all threads, as one. Histograms are added, never averaged. */
export interface Merged {
  readonly latency: LatencySummary | null;
  readonly series: readonly SecondOfLoad[];
  readonly histograms: readonly IntervalCounts[];
  readonly errors: readonly ErrorCount[];
  readonly operations: Readonly<Record<string, number>>;
}

export function mergeReports(reports: readonly ThreadReport[]): Merged {
  const bySecond = new Map<number, ThreadSecond[]>();
  for (const second of reports.flatMap(({ seconds }) => seconds))
    bySecond.set(second.second, [...(bySecond.get(second.second) ?? []), second]);
  const seconds = [...bySecond].sort(([a], [b]) => a - b);
  const whole = newHistogram();
  const series: SecondOfLoad[] = [];
  const histograms: IntervalCounts[] = [];
  for (const [second, parts] of seconds) {
    // A second in which nothing came is part of the picture.
    while (series.length < second)
      series.push({ second: series.length, requests: 0, errors: 0, p50Ms: null, p99Ms: null });
    const histogram = newHistogram();
    for (const { latencies } of parts) addBuckets(histogram, latencies.buckets);
    whole.add(histogram);
    const isEmpty = histogram.totalCount === 0;
    const errors = parts.reduce((sum, part) => sum + part.errors, 0);
    series.push({
      second,
      requests: histogram.totalCount + errors,
      errors,
      p50Ms: isEmpty ? null : histogram.getValueAtPercentile(50) / 1000,
      p99Ms: isEmpty ? null : histogram.getValueAtPercentile(99) / 1000,
    });
    histograms.push({ second, buckets: bucketsOf(parts) });
  }
  return {
    latency: summarise(
      whole,
      seconds.flatMap(([, parts]) => parts),
    ),
    series,
    histograms,
    errors: mergeErrors(reports),
    operations: sumByName(reports.map(({ work }) => work.operations)),
  };
}

/** Of values in µs. */
export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    bitBucketSize: 64,
    autoResize: false,
  });
}

export function addBuckets(histogram: Histogram, buckets: Uint32Array): void {
  for (let i = 0; i < buckets.length; i += 2)
    histogram.recordValueWithCount(valueOfBucket(buckets[i]!), buckets[i + 1]!);
}

function bucketsOf(parts: readonly ThreadSecond[]): Uint32Array {
  const sums = new Map<number, number>();
  for (const { latencies } of parts)
    for (let i = 0; i < latencies.buckets.length; i += 2) {
      const bucket = latencies.buckets[i]!;
      sums.set(bucket, (sums.get(bucket) ?? 0) + latencies.buckets[i + 1]!);
    }
  return Uint32Array.from([...sums].sort(([a], [b]) => a - b).flat());
}

function summarise(whole: Histogram, seconds: readonly ThreadSecond[]): LatencySummary | null {
  if (whole.totalCount === 0) return null;
  const all = seconds.map(({ latencies }) => latencies).filter(({ total }) => total > 0);
  const total = all.reduce((sum, part) => sum + part.total, 0);
  const minMs = Math.min(...all.map((part) => part.minMs));
  const maxMs = Math.max(...all.map((part) => part.maxMs));
  // A bucket stands for a range: its upper end may lie above the largest value that there was.
  const at = (percentile: number): number =>
    Math.min(toNs(maxMs), whole.getValueAtPercentile(percentile) / 1000);
  return {
    minMs: toNs(minMs),
    avgMs: toNs(all.reduce((sum, part) => sum + part.sumMs, 0) / total),
    p50Ms: at(50),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: toNs(maxMs),
  };
}

/** ms without the digits below 1 ns, which are only of floating point. */
function toNs(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}

function mergeErrors(reports: readonly ThreadReport[]): ErrorCount[] {
  const byKind = new Map<string, ErrorCount>();
  for (const { kind, count, example } of reports.flatMap(({ errors }) => errors)) {
    const known = byKind.get(kind);
    byKind.set(kind, { kind, count: count + (known?.count ?? 0), example: known?.example ?? example });
  }
  return [...byKind.values()].sort((a, b) => b.count - a.count);
}

function sumByName(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const part of parts)
    for (const [name, count] of Object.entries(part)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
