import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { Axis } from './axis.ts';
import type { Constraints, SearchEvent, TrialPurpose } from './contract.ts';
import type { Bracket, Laboratory } from './laboratory.ts';
import { checkDirections } from './directions.ts';
import { Model, SURE } from './model.ts';
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
  /** Points whose tries all failed. */
  readonly #failed = new Map<string, Point>();
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

  /** The measured point of the highest expected QPS that surely holds the constraints; null without one. */
  get fastest(): Point | null {
    const { model } = this;
    if (model === null) return null;
    const sure = this.visits
      .map(({ point }) => ({ point, view: model.at(point) }))
      .filter(({ view }) => view.holds >= SURE)
      .toSorted((a, b) => b.view.lnQps - a.view.lnQps);
    return sure[0]?.point ?? null;
  }

  /** The measured point that is likeliest to hold the constraints; null while nothing is measured. */
  get likeliest(): Visit | null {
    const { model } = this;
    if (model === null) return null;
    const holds = this.visits.map((visit) => ({ visit, holds: model.at(visit.point).holds }));
    return holds.reduce((best, other) => (other.holds > best.holds ? other : best)).visit;
  }

  runsOf(point: Point): number {
    return this.#visits.get(keyOf(point))?.results.length ?? 0;
  }

  /** Nearer to a point that failed than to any that was measured: it may fail too. */
  isDoubtful(point: Point): boolean {
    if (this.#failed.size === 0) return false;
    const nearest = (points: Iterable<Point>): number =>
      Math.min(...Array.from(points, (other) => this.distance(point, other)));
    return nearest(this.#failed.values()) <= nearest(this.visits.map((visit) => visit.point));
  }

  /** In e-folds. */
  distance(a: Point, b: Point): number {
    return Math.hypot(...this.axes.map((axis, i) => axis.position(a[i]!) - axis.position(b[i]!)));
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
      if (this.lab.end === null && !this.#visits.has(key)) this.#failed.set(key, point);
      return null;
    }
    this.#model = null;
    this.#failed.delete(key);
    const visit = this.#visits.get(key) ?? { point, results: [] };
    visit.results.push(result);
    this.#visits.set(key, visit);
    yield* checkDirections(this, visit);
    return result;
  }
}

/** The same text for the same point. */
export function keyOf(point: Point): string {
  return point.join(' ');
}
