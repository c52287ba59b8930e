import { BenchmarkConfig } from '../../src/bench/config.ts';
import { BenchmarkResult } from '../../src/bench/result.ts';
import { Random } from '../../src/stats/random.ts';
import type { Constraints, Measure } from '../../src/search/contract.ts';

/** A server as it truly is: what a benchmark would show without noise. */
export interface Surface {
  qps(ef: number, clients: number): number;
  /** ms */
  p99(ef: number, clients: number): number;
  /** 0 to 1 */
  recall(ef: number): number;
  readonly constraints: Constraints;
}

export interface Noise {
  /** Of QPS and of p99, relative: 0.03 is 3 %. */
  readonly relative: number;
  /** Of recall, absolute. */
  readonly recall: number;
  /** Share of runs that are 30 % too slow. */
  readonly outliers?: number;
}

export const EF = { min: 10, max: 500 } as const;
export const CLIENTS = { min: 1, max: 200 } as const;

/** Seeded draws for surfaces and their noise. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
    for (let i = 0; i < 4; i++) this.#random.next();
  }

  unit(): number {
    return (this.#random.next() + 0.5) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Even on a logarithmic scale. */
  around(low: number, high: number): number {
    return Math.exp(this.between(Math.log(low), Math.log(high)));
  }

  /** Standard normal, by Box and Muller (1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }
}

/** Measures a surface with seeded noise; counts its runs. */
export function noisy(
  surface: Surface,
  noise: Noise,
  seed: number,
): { measure: Measure; runs: () => number } {
  const dice = new Dice(seed);
  let runs = 0;
  const measure: Measure = (config) => {
    runs++;
    const slow = dice.unit() < (noise.outliers ?? 0) ? 0.7 : 1;
    const factor = Math.exp(noise.relative * dice.normal()) * slow;
    const lateness = Math.exp(noise.relative * dice.normal()) / slow;
    const ef = config.efSearch ?? EF.min;
    const recall = surface.recall(ef) + noise.recall * dice.normal();
    return Promise.resolve(
      resultOf(
        config,
        surface.qps(ef, config.numClients) * factor,
        surface.p99(ef, config.numClients) * lateness,
        Math.min(1, Math.max(0, recall)),
      ),
    );
  };
  return { measure, runs: () => runs };
}

export function resultOf(
  config: BenchmarkConfig,
  qps: number,
  latencyP99: number,
  recallAvg: number | null,
): BenchmarkResult {
  return new BenchmarkResult({
    qps,
    latencyAvg: latencyP99 / 2,
    latencyP50: latencyP99 / 2,
    latencyP95: latencyP99 * 0.9,
    latencyP99,
    latencyMax: latencyP99 * 2,
    recallAvg,
    recallMin: recallAvg,
    recallMax: recallAvg,
    baselineLatencyAvg: null,
    errors: [],
    requests: 10_000,
    durationMs: 1_000,
    config,
    timestamp: 1_700_000_000,
    driver: 'surface',
    loop: 'closed',
    warnings: [],
  });
}

/** The best point that truly holds the constraints; null where none does. */
export function optimumOf(
  surface: Surface,
  efs: Iterable<number> = range(EF),
  clients: readonly number[] = [...range(CLIENTS)],
): { ef: number; clients: number; qps: number } | null {
  let best: { ef: number; clients: number; qps: number } | null = null;
  const { minRecall = 0, maxLatencyP99 = Infinity } = surface.constraints;
  for (const ef of efs) {
    if (surface.recall(ef) < minRecall) continue;
    for (const n of clients) {
      if (surface.p99(ef, n) > maxLatencyP99) continue;
      const qps = surface.qps(ef, n);
      if (best === null || qps > best.qps) best = { ef, clients: n, qps };
    }
  }
  return best;
}

export function* range({ min, max }: { readonly min: number; readonly max: number }): Generator<number> {
  for (let value = min; value <= max; value++) yield value;
}
