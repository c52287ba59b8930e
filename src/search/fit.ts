import type { BenchmarkResult } from '../bench/result.ts';
import type { Kernel, Observation } from '../stats/gaussian-process.ts';
import { MixedProcess } from '../stats/mixed-process.ts';
import type { Axis } from './axis.ts';
import type { ParameterName } from './contract.ts';
import type { Point, Visit } from './field.ts';

/** Recall is what the index gives, however many ask for it at once. */
export const withoutRecall: ReadonlySet<ParameterName> = new Set([
  'numClients',
  'numThreads',
  'numRequests',
  'pipeline',
  'rps',
]);

type Quantity = 'qps' | 'p99' | 'recall';

/** How ln QPS, ln p99 and the log-odds of recall change with ln of a parameter, before anything is measured. */
const trends: Readonly<Partial<Record<ParameterName, Readonly<Record<Quantity, number>>>>> = {
  // A search costs about as much as the candidates that it holds; log-odds of HNSW's recall are near a line in ln ef.
  efSearch: { qps: -0.6, p99: 0.6, recall: 1.3 },
  // Flat until the server is busy, then by Little's law as the clients.
  numClients: { qps: 0, p99: 0.5, recall: 0 },
};

/** What is expected of a quantity at a point. */
export interface Belief {
  readonly mean: number;
  readonly variance: number;
  below(limit: number): number;
}

/** One quantity over the axes that it depends on: its trends are known, its bends are learnt. */
export class Fit {
  readonly #slopes: readonly number[];
  readonly #axes: readonly Axis[];
  readonly #process: MixedProcess;

  constructor(
    what: Quantity,
    axes: readonly Axis[],
    visits: readonly Visit[],
    read: (result: BenchmarkResult) => { readonly y: number; readonly variance: number },
  ) {
    this.#axes = axes;
    // A slope that is not a number marks an axis without influence.
    this.#slopes = axes.map(({ name }) =>
      what === 'recall' && withoutRecall.has(name) ? Number.NaN : (trends[name]?.[what] ?? 0),
    );
    const observations: Observation[] = visits.flatMap(({ point, results }) => {
      const x = this.#positionOf(point);
      const trend = this.#trendAt(x);
      return results.map((result) => {
        const { y, variance } = read(result);
        return { x, y: y - trend, variance };
      });
    });
    this.#process = new MixedProcess(observations, what === 'recall' ? smooth : rough);
  }

  at(point: Point): Belief {
    const x = this.#positionOf(point);
    const trend = this.#trendAt(x);
    const { mean, variance, below } = this.#process.at(x);
    return { mean: mean + trend, variance, below: (limit) => below(limit - trend) };
  }

  /** Counted from the middle of each axis, so that planes tilt around it. */
  #positionOf(point: Point): number[] {
    return this.#axes.flatMap((axis, i) =>
      Number.isNaN(this.#slopes[i]) ? [] : [axis.position(point[i]!) - axis.middle],
    );
  }

  #trendAt(x: readonly number[]): number {
    const slopes = this.#slopes.filter((slope) => !Number.isNaN(slope));
    return x.reduce((sum, at, i) => sum + at * slopes[i]!, 0);
  }
}

type Candidate = Kernel & { readonly prior: number };

function mix(
  bends: readonly (readonly [length: number, amplitude: number, prior: number])[],
  slope: number,
): Candidate[] {
  return bends.flatMap(([length, amplitude, prior]) =>
    [1, 2.5].map((noise) => ({
      length,
      amplitude,
      noise,
      height: 3,
      slope,
      prior: prior * (noise === 1 ? 0.85 : 0.15),
    })),
  );
}

/** Throughput and latency bend gently over a factor of 4 to 20, but may have a cliff. */
const rough = mix(
  [
    [0.4, 0.4, 0.1],
    [0.8, 0.2, 0.15],
    [0.8, 0.6, 0.15],
    [1.6, 0.3, 0.3],
    [3, 0.8, 0.3],
  ],
  0.4,
);
/** The log-odds of recall are near a line. */
const smooth = mix(
  [
    [0.8, 0.15, 0.3],
    [0.8, 0.5, 0.1],
    [2, 0.3, 0.6],
  ],
  0.5,
);
