import type { BenchmarkConfig } from '../bench/config.ts';
import { valueAt, type Axis } from './axis.ts';
import { failedKeys, measuredPoints, modelOf, SURE, type Campaign } from './campaign.ts';
import { configKey } from './config-key.ts';
import type { SearchEvent } from './contract.ts';
import type { Model } from './model.ts';
import { configWith, valueOf } from './parameter.ts';

/** A step down of the ef is worth a run when it is expected to gain so much of it. */
const WORTH_A_RUN = 0.01;

/**
 * Seeks the smallest ef that meets the recall: since recall rises and QPS falls with ef, it is the best one. Each
 * run goes where the gain, times the probability that the recall is met there, is the highest: first a bisection,
 * at the end a repeat of the point on the limit.
 */
export async function* seekSmallestEf(
  campaign: Campaign,
  base: BenchmarkConfig,
  axis: Axis,
): AsyncGenerator<SearchEvent, void, void> {
  const { lab, constraints } = campaign;
  if (constraints.minRecall === undefined) return;
  yield* lab.run(configWith(base, axis.name, valueAt(axis, 0.5)), 'ef');
  while (lab.end === null && lab.runsLeft > campaign.reserve) {
    const model = modelOf(campaign);
    const next = model === null ? axis.values.at(-1)! : nextEf(campaign, model, base, axis);
    if (next === null) return;
    const config = configWith(base, axis.name, next);
    const purpose = lab.resultsOf(config).length > 0 ? 'repeat' : 'ef';
    const known = model === null ? {} : { bracket: { name: axis.name, ...bracketOf(model, base, axis) } };
    yield* lab.run(config, purpose, known);
  }
}

/** The smallest measured ef that surely meets the recall; else the one that is likeliest to. */
export function bestEf(campaign: Campaign, model: Model, base: BenchmarkConfig, axis: Axis): number {
  const values = measuredValues(campaign, axis);
  const { minRecall } = campaign.constraints;
  const holds = (ef: number): number => model.recallHolds(configWith(base, axis.name, ef), minRecall);
  const sure = values.filter((ef) => holds(ef) >= SURE);
  if (sure.length > 0) return Math.min(...sure);
  return values.reduce((best, ef) => (holds(ef) > holds(best) ? ef : best), values[0] ?? axis.values.at(-1)!);
}

function nextEf(campaign: Campaign, model: Model, base: BenchmarkConfig, axis: Axis): number | null {
  const { minRecall } = campaign.constraints;
  const failed = failedKeys(campaign);
  const at = (ef: number): BenchmarkConfig => configWith(base, axis.name, ef);
  const holds = (ef: number): number => model.recallHolds(at(ef), minRecall);
  const sure = measuredValues(campaign, axis).filter((ef) => holds(ef) >= SURE);
  // Without any ef that holds, the last one counts as a step worth taking too.
  const from = sure.length > 0 ? axis.position(Math.min(...sure)) : axis.position(axis.values.at(-1)!) + 0.1;
  let next: { ef: number; worth: number } | null = null;
  for (const ef of axis.values) {
    if (failed.has(configKey(at(ef)))) continue;
    const gain = from - axis.position(ef);
    if (gain <= 0) break;
    const worth = gain * holds(ef);
    if (worth > (next?.worth ?? 0)) next = { ef, worth };
  }
  if (next === null) return null;
  if (sure.length > 0) return next.worth >= WORTH_A_RUN ? next.ef : null;
  const last = axis.values.at(-1)!;
  if (holds(last) < 1 - SURE) return measuredValues(campaign, axis).includes(last) ? null : last;
  return next.ef;
}

function bracketOf(model: Model, base: BenchmarkConfig, axis: Axis): { low: number; high: number } {
  const holds = (ef: number): number => model.recallHolds(configWith(base, axis.name, ef), undefined);
  const low = axis.values.findLast((ef) => holds(ef) < 1 - SURE) ?? axis.values[0]!;
  const high = axis.values.find((ef) => ef > low && holds(ef) >= SURE) ?? axis.values.at(-1)!;
  return { low, high };
}

function measuredValues(campaign: Campaign, axis: Axis): number[] {
  return [...new Set(measuredPoints(campaign).map((config) => Number(valueOf(config, axis.name))))].toSorted(
    (a, b) => a - b,
  );
}
