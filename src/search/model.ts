import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { Kernel, Observation } from '../stats/gaussian-process.ts';
import { MixedProcess } from '../stats/mixed-process.ts';
import type { Axis } from './axis.ts';
import type { Constraints, ParameterName, Trial } from './contract.ts';
import { noiseOf, safeLog, type Noise } from './noise.ts';
import { valueOf } from './parameter.ts';

/** What is believed of a point, tried or not. */
export interface View {
  /** Expected ln QPS, and its standard deviation. */
  readonly lnQps: number;
  readonly sd: number;
  /** Probabilities that the constraints truly hold; 1 without one. */
  readonly p99Holds: number;
  readonly recallHolds: number;
  /** Both. */
  readonly holds: number;
}

/** Recall is what the index gives, however many ask for it at once. */
const withoutRecall: ReadonlySet<ParameterName> = new Set([
  'numClients',
  'numThreads',
  'numRequests',
  'pipeline',
  'rps',
]);

/** How ln QPS, ln p99 and the log-odds of recall change with ln of a parameter, before anything is measured. */
const trends: Readonly<Partial<Record<ParameterName, { qps: number; p99: number; recall: number }>>> = {
  // A search costs about as much as the candidates that it holds; log-odds of HNSW's recall are near a line in ln ef.
  efSearch: { qps: -0.6, p99: 0.6, recall: 1.3 },
  // Flat until the server is busy, then by Little's law as the clients.
  numClients: { qps: 0, p99: 0.5, recall: 0 },
};

/** What all trials together say about every point: proposals come from here, answers from measurements. */
export class Model {
  readonly noise: Noise;
  readonly #axes: readonly Axis[];
  readonly #recallAxes: readonly Axis[];
  readonly #constraints: Constraints;
  readonly #qps: MixedProcess;
  readonly #p99: MixedProcess | null;
  readonly #recall: MixedProcess | null;

  /** @param trials with at least one measured. */
  constructor(trials: readonly Trial[], axes: readonly Axis[], constraints: Constraints) {
    this.#axes = axes;
    this.#recallAxes = axes.filter(({ name }) => !withoutRecall.has(name));
    this.#constraints = constraints;
    this.noise = noiseOf(trials);
    const results = trials.flatMap(({ outcome }) => (outcome.state === 'measured' ? [outcome.result] : []));
    this.#qps = this.#fit(results, axes, 'qps', (result) => ({
      y: safeLog(result.qps),
      variance: this.noise.qps ** 2,
    }));
    this.#p99 =
      constraints.maxLatencyP99 === undefined
        ? null
        : this.#fit(results, axes, 'p99', (result) => ({
            y: safeLog(result.latencyP99),
            variance: this.noise.latencyP99 ** 2,
          }));
    const withRecall = results.filter((result) => result.recallAvg !== null);
    this.#recall =
      constraints.minRecall === undefined || withRecall.length === 0
        ? null
        : this.#fit(withRecall, this.#recallAxes, 'recall', (result) => logOdds(result, this.noise.recall));
  }

  at(config: BenchmarkConfig): View {
    const qps = this.#predict(this.#qps, this.#axes, 'qps', config);
    const { minRecall, maxLatencyP99 } = this.#constraints;
    const p99Holds =
      this.#p99 === null || maxLatencyP99 === undefined
        ? 1
        : this.#predict(this.#p99, this.#axes, 'p99', config).below(safeLog(maxLatencyP99));
    const recallHolds = this.recallHolds(config, minRecall);
    return {
      lnQps: qps.mean,
      sd: Math.sqrt(qps.variance),
      p99Holds,
      recallHolds,
      holds: p99Holds * recallHolds,
    };
  }

  /** Probability that the recall of a point is truly at least so much. */
  recallHolds(config: BenchmarkConfig, recall: number | undefined): number {
    if (recall === undefined || recall <= 0) return 1;
    if (this.#recall === null) return 0;
    if (recall >= 1) recall = 1 - EDGE / 2;
    return 1 - this.#predict(this.#recall, this.#recallAxes, 'recall', config).below(logit(recall));
  }

  #fit(
    results: readonly BenchmarkResult[],
    axes: readonly Axis[],
    what: Quantity,
    read: (result: BenchmarkResult) => { readonly y: number; readonly variance: number },
  ): MixedProcess {
    const observations: Observation[] = results.map((result) => {
      const { y, variance } = read(result);
      return { x: positionOf(result.config, axes), y: y - trendAt(result.config, axes, what), variance };
    });
    return new MixedProcess(observations, kernels[what]);
  }

  #predict(
    process: MixedProcess,
    axes: readonly Axis[],
    what: Quantity,
    config: BenchmarkConfig,
  ): { mean: number; variance: number; below(limit: number): number } {
    const trend = trendAt(config, axes, what);
    const { mean, variance, below } = process.at(positionOf(config, axes));
    return { mean: mean + trend, variance, below: (limit) => below(limit - trend) };
  }
}

type Quantity = 'qps' | 'p99' | 'recall';

const kernels: Readonly<Record<Quantity, readonly (Kernel & { readonly prior: number })[]>> = {
  qps: mix([0.7, 1.5, 3], [0.15, 0.6], { height: 2, slope: 0.4 }),
  p99: mix([0.7, 1.5, 3], [0.15, 0.6], { height: 2, slope: 0.4 }),
  recall: mix([0.7, 1.5, 3], [0.1, 0.5], { height: 3, slope: 0.5 }),
};

function mix(
  lengths: readonly number[],
  amplitudes: readonly number[],
  plane: { readonly height: number; readonly slope: number },
): (Kernel & { prior: number })[] {
  return lengths.flatMap((length) =>
    amplitudes.flatMap((amplitude) =>
      [1, 2.5].map((noise) => ({ length, amplitude, noise, ...plane, prior: noise === 1 ? 0.8 : 0.2 })),
    ),
  );
}

/** Where the position of an axis is counted from: its middle, so that planes tilt around it. */
function positionOf(config: BenchmarkConfig, axes: readonly Axis[]): number[] {
  return axes.map((axis) => {
    const middle = (axis.position(axis.values[0]!) + axis.position(axis.values.at(-1)!)) / 2;
    return axis.position(Number(valueOf(config, axis.name))) - middle;
  });
}

function trendAt(config: BenchmarkConfig, axes: readonly Axis[], what: Quantity): number {
  return positionOf(config, axes).reduce((sum, x, i) => sum + x * (trends[axes[i]!.name]?.[what] ?? 0), 0);
}

/** Recalls nearer to 0 or 1 than this look alike. */
const EDGE = 5e-4;

function logit(recall: number): number {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, recall));
  return Math.log(inside / (1 - inside));
}

/** Noise of the recall becomes noise of its log-odds by their slope, 1 / (R (1 - R)). */
function logOdds(result: BenchmarkResult, noise: number): { y: number; variance: number } {
  const recall = Math.min(1 - EDGE, Math.max(EDGE, result.recallAvg ?? 0));
  const slope = 1 / (recall * (1 - recall));
  return { y: logit(recall), variance: Math.min(1, noise * slope) ** 2 };
}
