import type { BenchmarkConfig } from '../bench/config.ts';
import { normalCdf, normalPdf } from '../stats/normal.ts';
import { valueAt, type Axis } from './axis.ts';
import { failedKeys, measuredPoints, modelOf, pointOf, SURE, type Campaign } from './campaign.ts';
import { configKey } from './config-key.ts';
import type { SearchEvent } from './contract.ts';
import type { Model, View } from './model.ts';
import { valueOf } from './parameter.ts';

/** A run is worth its time while it is expected to raise the QPS by so much. */
const WORTH_A_RUN = 0.005;

export async function* explore(
  campaign: Campaign,
  base: BenchmarkConfig,
  axes: readonly Axis[],
): AsyncGenerator<SearchEvent, void, void> {
  const { lab } = campaign;
  for (const config of firstPoints(base, axes)) {
    if (lab.end !== null || lab.runsLeft <= campaign.reserve) return;
    if (lab.resultsOf(config).length === 0) yield* lab.run(config, 'bracket');
  }
  while (lab.end === null && lab.runsLeft > campaign.reserve) {
    const model = modelOf(campaign);
    if (model === null) return;
    const next = nextPoint(campaign, model, base, axes);
    if (next === null) return;
    const purpose = lab.resultsOf(next).length > 0 ? 'repeat' : 'narrow';
    yield* lab.run(next, purpose);
  }
}

function firstPoints(base: BenchmarkConfig, axes: readonly Axis[]): BenchmarkConfig[] {
  const middle = axes.map((axis) => valueAt(axis, 0.5));
  const around = axes.flatMap((axis, i) => [0.2, 0.8].map((share) => middle.with(i, valueAt(axis, share))));
  return [middle, ...around].map((values) => pointOf(base, axes, values));
}

function nextPoint(
  campaign: Campaign,
  model: Model,
  base: BenchmarkConfig,
  axes: readonly Axis[],
): BenchmarkConfig | null {
  const failed = failedKeys(campaign);
  const slice = measuredPoints(campaign).filter((config) => sameBut(config, base, campaign.axes, axes));
  const views = slice.map((config) => model.at(config));
  const sure = views.filter((view) => view.holds >= SURE);
  const best = sure.length > 0 ? Math.max(...sure.map((view) => view.lnQps)) : null;
  let next: { config: BenchmarkConfig; worth: number } | null = null;
  for (const config of candidates(base, axes)) {
    if (failed.has(configKey(config))) continue;
    const view = model.at(config);
    const worth =
      view.holds * (best === null ? Math.exp(view.lnQps - 20) : expectedGain(view, best, model.noise.qps));
    if (worth > (next?.worth ?? 0)) next = { config, worth };
  }
  if (next === null) return null;
  return best === null || next.worth >= WORTH_A_RUN ? next.config : null;
}

/**
 * Expected improvement (Jones, Schonlau and Welch 1998) of what we shall believe after one noisy run there (the
 * knowledge gradient of Frazier, Powell and Dayanik 2009, without what the run tells of other points).
 */
function expectedGain(view: View, best: number, noise: number): number {
  const sd = view.sd ** 2 / Math.hypot(view.sd, noise);
  const z = (view.lnQps - best) / sd;
  return sd * (z * normalCdf(z) + normalPdf(z));
}

function candidates(base: BenchmarkConfig, axes: readonly Axis[]): BenchmarkConfig[] {
  const axis = axes[0]!;
  return axis.values.map((value) => pointOf(base, [axis], [value]));
}

function sameBut(
  a: BenchmarkConfig,
  b: BenchmarkConfig,
  all: readonly Axis[],
  but: readonly Axis[],
): boolean {
  return all.every((axis) => but.includes(axis) || valueOf(a, axis.name) === valueOf(b, axis.name));
}
