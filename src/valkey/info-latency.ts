import type { Reply } from './client.ts';

/** How many calls took at most so long, cumulative, by µs; buckets double in width. */
export interface LatencyHistogram {
  readonly calls: number;
  readonly atMost: ReadonlyMap<number, number>;
}

/** Upper edges of the buckets that percentiles lie in, µs: up to twice the true value, never below it. */
export interface LatencyPercentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Of a `LATENCY HISTOGRAM` reply (RESP2), by name of the command. What is not of that shape is left out. */
export function parseLatencyHistograms(reply: Reply): ReadonlyMap<string, LatencyHistogram> {
  const histograms = new Map<string, LatencyHistogram>();
  for (const [name, entry] of pairsOf(reply)) {
    const fields = new Map(pairsOf(entry));
    const calls = fields.get('calls');
    if (typeof calls !== 'number') continue;
    const atMost = new Map<number, number>();
    for (const [edge, count] of pairsOf(fields.get('histogram_usec') ?? []))
      if (typeof count === 'number' && Number.isFinite(Number(edge))) atMost.set(Number(edge), count);
    histograms.set(name, { calls, atMost });
  }
  return histograms;
}

/** Of the calls between two histograms of one command; undefined when there were none, or the server forgot some. */
export function percentilesBetween(
  before: LatencyHistogram | undefined,
  after: LatencyHistogram,
): LatencyPercentiles | undefined {
  // A bucket without calls is not told: it has as many as the one below.
  const edges = [...new Set([...(before?.atMost.keys() ?? []), ...after.atMost.keys()])].toSorted(
    (a, b) => a - b,
  );
  let [from, to] = [0, 0];
  const counts = edges.map((edge) => {
    from = before?.atMost.get(edge) ?? from;
    to = after.atMost.get(edge) ?? to;
    return { edge, count: to - from };
  });
  const total = counts.at(-1)?.count ?? 0;
  if (total <= 0 || counts.some(({ count }) => count < 0)) return undefined;
  const edgeAt = (share: number): number =>
    counts.find(({ count }) => count >= Math.ceil(share * total))?.edge ?? edges.at(-1)!;
  return { p50: edgeAt(0.5), p99: edgeAt(0.99), p999: edgeAt(0.999), max: edgeAt(1) };
}

/** A flat list of names and values, as RESP2 has maps. */
export function* pairsOf(reply: Reply): Iterable<readonly [string, Reply]> {
  if (!Array.isArray(reply)) return;
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const name: unknown = reply[i];
    if (typeof name === 'string' || typeof name === 'number') yield [String(name), reply[i + 1] as Reply];
  }
}
