import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { Axis } from './axis.ts';
import type { Constraints, SearchEvent, TrialPurpose } from './contract.ts';
import type { Bracket, Laboratory } from './laboratory.ts';
import { Model } from './model.ts';
import { configWith } from './parameter.ts';

/** A value for every axis, in their order. */
export type Point = readonly number[];

/** A point that was measured. */
export interface Visit {
  readonly point: Point;
  /** Oldest first. */
  readonly results: BenchmarkResult[];
}

/** The points that a search may try, what was found there, and what that says of the rest. */
export class Field {
  readonly axes: readonly Axis[];
  readonly constraints: Constraints;
  readonly lab: Laboratory;
  readonly #base: BenchmarkConfig;
  readonly #visits = new Map<string, Visit>();
  readonly #failed = new Set<string>();
  #model: Model | null = null;

  constructor(base: BenchmarkConfig, axes: readonly Axis[], constraints: Constraints, lab: Laboratory) {
    this.#base = base;
    this.axes = axes;
    this.constraints = constraints;
    this.lab = lab;
  }

  get visits(): readonly Visit[] {
    return [...this.#visits.values()];
  }

  /** What all runs so far say; null while nothing is measured. */
  get model(): Model | null {
    if (this.#visits.size === 0) return null;
    this.#model ??= new Model(this.visits, this.axes, this.constraints);
    return this.#model;
  }

  runsOf(point: Point): number {
    return this.#visits.get(keyOf(point))?.results.length ?? 0;
  }

  /** Its last try failed, and none before gave a result: not worth another run. */
  hasFailed(point: Point): boolean {
    return this.#failed.has(keyOf(point));
  }

  configOf(point: Point): BenchmarkConfig {
    return this.axes.reduce((config, axis, i) => configWith(config, axis.name, point[i]!), this.#base);
  }

  /** Measures a point once more; null where the run failed, or none may be run any more. */
  async *run(
    point: Point,
    purpose: TrialPurpose,
    about: { readonly bracket?: Bracket; readonly best?: BenchmarkResult } = {},
  ): AsyncGenerator<SearchEvent, BenchmarkResult | null, void> {
    const key = keyOf(point);
    const result = yield* this.lab.run(this.configOf(point), purpose, about);
    if (result === null) {
      if (this.lab.end === null && !this.#visits.has(key)) this.#failed.add(key);
      return null;
    }
    this.#model = null;
    const visit = this.#visits.get(key);
    if (visit === undefined) this.#visits.set(key, { point, results: [result] });
    else visit.results.push(result);
    return result;
  }
}

/** The same text for the same point. */
export function keyOf(point: Point): string {
  return point.join(' ');
}
