import type { BenchmarkResult } from '../bench/result.ts';
import { normalCdf, normalPdf } from '../stats/normal.ts';
import type { Axis } from './axis.ts';
import { cliffsOf, safetyOf, type Cliff } from './cliff.ts';
import type { Constraints } from './contract.ts';
import type { Point, Visit } from './field.ts';
import { Fit, withoutRecall, type Belief } from './fit.ts';
import { pooledNoise, safeLog, USUAL_NOISE, usualRecallNoise, type Noise } from './noise.ts';

/** What is believed of a point, tried or not. */
export interface View {
  /** Expected ln QPS, and its standard deviation. */
  readonly lnQps: number;
  readonly sd: number;
  /** Probabilities that the constraints truly hold there; 1 without one. */
  readonly p99Holds: number;
  readonly recallHolds: number;
  /** Both, and that the point lies on the good side of every cliff. */
  readonly holds: number;
  /** Runs there after which that is likely to be settled; 1 or more. */
  readonly runsToSettle: number;
}

/** A point holds its constraints for sure when it does with this probability: its one-sided 90 % interval clears them. */
export const SURE = 0.9;
/** Its distance from the limit is then so many standard deviations. */
const SURE_DISTANCE = 1.2816;

/** What all runs together say about every point: proposals come from here, answers from measurements. */
export class Model {
  readonly noise: Noise;
  /** ln of the highest QPS of any run. */
  readonly highest: number;
  readonly #axes: readonly Axis[];
  readonly #constraints: Constraints;
  readonly #cliffs: readonly Cliff[];
  readonly #qps: Fit;
  readonly #p99: Fit | null;
  readonly #recall: Fit | null;

  /** @param visits not empty. */
  constructor(visits: readonly Visit[], axes: readonly Axis[], constraints: Constraints) {
    this.#axes = axes;
    this.#constraints = constraints;
    const withRecall = visits.filter(({ results }) => results.every((result) => result.recallAvg !== null));
    this.noise = this.#noiseOf(visits, withRecall);
    this.highest = Math.max(...visits.flatMap(({ results }) => results.map((result) => safeLog(result.qps))));
    this.#cliffs = cliffsOf(visits, axes, this.noise.qps);
    // What lies beyond a cliff would bend the surface on this side of it.
    const sound = visits.filter(({ point }) => safetyOf(point, this.#cliffs, axes) > 0);
    this.#qps = new Fit('qps', axes, sound, (result) => ({
      y: safeLog(result.qps),
      variance: this.noise.qps ** 2,
    }));
    this.#p99 =
      constraints.maxLatencyP99 === undefined
        ? null
        : new Fit('p99', axes, sound, (result) => ({
            y: safeLog(result.latencyP99),
            variance: this.noise.latencyP99 ** 2,
          }));
    this.#recall =
      constraints.minRecall === undefined || withRecall.length === 0
        ? null
        : new Fit('recall', axes, withRecall, (result) => logOdds(result.recallAvg ?? 0, this.noise.recall));
  }

  at(point: Point): View {
    const qps = this.#qps.at(point);
    const p99 = this.#p99View(point);
    const recall = this.recallAt(point);
    return {
      lnQps: qps.mean,
      sd: Math.sqrt(qps.variance),
      p99Holds: p99.holds,
      recallHolds: recall.holds,
      holds: p99.holds * recall.holds * safetyOf(point, this.#cliffs, this.#axes),
      runsToSettle: Math.max(p99.runsToSettle, recall.runsToSettle),
    };
  }

  /** Of the recall alone. */
  recallAt(point: Point): { readonly holds: number; readonly runsToSettle: number } {
    const { minRecall } = this.#constraints;
    if (minRecall === undefined || minRecall <= 0) return { holds: 1, runsToSettle: 1 };
    if (this.#recall === null) return { holds: 0, runsToSettle: 1 };
    const limit = logOdds(Math.min(minRecall, 1 - 5 * EDGE), this.noise.recall);
    const belief = this.#recall.at(point);
    return {
      holds: 1 - belief.below(limit.y - 1e-9),
      runsToSettle: runsToSettle(belief, limit.y, limit.variance),
    };
  }

  #p99View(point: Point): { readonly holds: number; readonly runsToSettle: number } {
    const { maxLatencyP99 } = this.#constraints;
    if (this.#p99 === null || maxLatencyP99 === undefined) return { holds: 1, runsToSettle: 1 };
    const limit = safeLog(maxLatencyP99);
    const belief = this.#p99.at(point);
    return {
      holds: belief.below(limit),
      runsToSettle: runsToSettle(belief, limit, this.noise.latencyP99 ** 2),
    };
  }

  #noiseOf(visits: readonly Visit[], withRecall: readonly Visit[]): Noise {
    const groups = (read: (result: BenchmarkResult) => number): number[][] =>
      visits.map(({ results }) => results.map(read));
    // Points that differ in nothing that recall depends on repeat each other.
    const recalls = new Map<string, number[]>();
    for (const { point, results } of withRecall) {
      const key = point.filter((_, i) => !withoutRecall.has(this.#axes[i]!.name)).join(' ');
      recalls.set(key, [...(recalls.get(key) ?? []), ...results.map((result) => result.recallAvg ?? 0)]);
    }
    const last = withRecall.at(-1)?.results.at(-1);
    return {
      qps: pooledNoise(
        groups((result) => safeLog(result.qps)),
        USUAL_NOISE,
      ),
      latencyP99: pooledNoise(
        groups((result) => safeLog(result.latencyP99)),
        USUAL_NOISE,
      ),
      recall: pooledNoise(
        [...recalls.values()],
        usualRecallNoise(last?.recallAvg ?? 1, last?.requests ?? 10_000),
      ),
    };
  }
}

/**
 * Runs that a point needs until its distance from a limit is beyond doubt, if the distance is what is expected of it
 * now: the mean of a folded normal distribution. Many where it lies on the limit: better to step back then.
 */
function runsToSettle({ mean, variance }: Belief, limit: number, noise: number): number {
  const sd = Math.sqrt(variance);
  const z = Math.abs(mean - limit) / sd;
  const distance = sd * (2 * normalPdf(z) + z * (2 * normalCdf(z) - 1));
  return Math.max(1, noise * ((SURE_DISTANCE / distance) ** 2 - 1 / variance));
}

/** Recalls nearer to 0 or 1 than this look alike. */
const EDGE = 2e-4;

/** Noise of the recall becomes noise of its log-odds by their slope, 1 / (R (1 - R)). */
function logOdds(recall: number, noise: number): { readonly y: number; readonly variance: number } {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, recall));
  return {
    y: Math.log(inside / (1 - inside)),
    variance: Math.min(1, noise / (inside * (1 - inside))) ** 2,
  };
}
