/** A nested record of numbers, as samples are. */
export interface Numbers {
  readonly [name: string]: number | Numbers | null | undefined;
}

/** One line of metrics.ndjson: what happened in the interval that ends at atNs, and how it was then. */
export interface TimedSample {
  /** CLOCK_MONOTONIC, ns. */
  readonly atNs: number;
  /** Since the sample before it. */
  readonly intervalMs: number;
  readonly numbers: Numbers;
}

/** Of one series over one span. */
export interface SeriesSummary {
  /** Weighted by time. */
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
}

interface Series {
  weighted: number;
  weightMs: number;
  min: number;
  max: number;
  /** Of samples as long as they should be: the rate of a few ms says nothing of the highest. */
  steadyMin: number;
  steadyMax: number;
  first: number;
  last: number;
}

/** Rates belong to the interval before their sample; everything else to the moment of it. */
const isRate = /(PerSecond|Percent)$/;

/** Sums samples up over one span, in memory that does not grow with its length. */
export class SpanSeries {
  readonly #series = new Map<string, Series>();
  readonly #startNs: number;
  readonly #steadyMs: number;
  #samples = 0;

  /**
   * @param startNs of the span.
   * @param sampleMs how long the interval of a sample should be.
   */
  constructor(startNs: number, sampleMs: number) {
    this.#startNs = startNs;
    this.#steadyMs = sampleMs / 2;
  }

  /** How many samples ended within the span. */
  get samples(): number {
    return this.#samples;
  }

  /** Takes samples in order. The first may have ended before the span: it says how things were at its start. */
  add(sample: TimedSample, endNs = Number.POSITIVE_INFINITY): void {
    const fromNs = Math.max(this.#startNs, sample.atNs - sample.intervalMs * 1e6);
    const overlapMs = Math.max(0, (Math.min(endNs, sample.atNs) - fromNs) / 1e6);
    const isMostlyInside = overlapMs >= sample.intervalMs / 2;
    if (sample.atNs >= this.#startNs && sample.atNs <= endNs) this.#samples++;
    for (const [name, value] of flatten(sample.numbers, sample.intervalMs)) {
      if (isRate.test(name) && overlapMs === 0) continue;
      this.#note(name, value, overlapMs, isMostlyInside && sample.intervalMs >= this.#steadyMs);
    }
  }

  /** Value at the first sample. */
  first(name: string): number | undefined {
    return this.#series.get(name)?.first;
  }

  last(name: string): number | undefined {
    return this.#series.get(name)?.last;
  }

  max(name: string): number | undefined {
    return this.#series.get(name)?.max;
  }

  /** Of a rate per second: how much it was in all. */
  total(name: string): number | undefined {
    const series = this.#series.get(name);
    return series && series.weighted / 1000;
  }

  summary(): Record<string, SeriesSummary> {
    const entries = [...this.#series].map(([name, series]) => {
      const isSteady = series.steadyMin <= series.steadyMax;
      const summary = {
        mean: round(series.weightMs > 0 ? series.weighted / series.weightMs : series.last),
        min: round(isSteady ? series.steadyMin : series.min),
        max: round(isSteady ? series.steadyMax : series.max),
        last: round(series.last),
      };
      return [name, summary] as const;
    });
    return Object.fromEntries(entries);
  }

  #note(name: string, value: number, weightMs: number, isSteady: boolean): void {
    let series = this.#series.get(name);
    if (series === undefined) {
      const none = { min: value, max: value, steadyMin: Infinity, steadyMax: -Infinity };
      series = { ...none, weighted: 0, weightMs: 0, first: value, last: value };
      this.#series.set(name, series);
    }
    series.weighted += value * weightMs;
    series.weightMs += weightMs;
    series.min = Math.min(series.min, value);
    series.max = Math.max(series.max, value);
    if (isSteady || !isRate.test(name)) {
      series.steadyMin = Math.min(series.steadyMin, value);
      series.steadyMax = Math.max(series.steadyMax, value);
    }
    series.last = value;
  }
}

/** `process.rssBytes`; a stall within an interval becomes a share of it. */
function* flatten(numbers: Numbers, intervalMs: number, path = ''): Iterable<[name: string, value: number]> {
  for (const [key, value] of Object.entries(numbers)) {
    if (typeof value === 'object' && value !== null) yield* flatten(value, intervalMs, `${path}${key}.`);
    else if (typeof value !== 'number') continue;
    else if (!key.endsWith('Us')) yield [path + key, value];
    else if (intervalMs > 0) yield [`${path}${key.slice(0, -'Us'.length)}Percent`, value / intervalMs / 10];
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
