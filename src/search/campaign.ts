import type { BenchmarkConfig } from '../bench/config.ts';
import type { Axis } from './axis.ts';
import { configKey } from './config-key.ts';
import type { Constraints } from './contract.ts';
import type { Laboratory } from './laboratory.ts';
import { Model } from './model.ts';
import { configWith } from './parameter.ts';

/** What the parts of one search share. */
export interface Campaign {
  readonly lab: Laboratory;
  readonly axes: readonly Axis[];
  readonly constraints: Constraints;
  /** Fresh runs of an answer. */
  readonly repeats: number;
  /** Runs that the end needs: the middle leaves them. */
  readonly reserve: number;
}

/** A point counts as holding its constraints when it does with this probability: one wrong answer of 40. */
export const SURE = 0.975;

/** What the trials so far say; null while nothing is measured. */
export function modelOf({ lab, axes, constraints }: Campaign): Model | null {
  return lab.trials.some(({ outcome }) => outcome.state === 'measured')
    ? new Model(lab.trials, axes, constraints)
    : null;
}

/** The configurations that were measured, each once, in the order of their first runs. */
export function measuredPoints({ lab }: Campaign): BenchmarkConfig[] {
  const points = new Map<string, BenchmarkConfig>();
  for (const { config, outcome } of lab.trials)
    if (outcome.state === 'measured' && !points.has(configKey(config))) points.set(configKey(config), config);
  return [...points.values()];
}

/** Points whose last try failed, and that were never measured: not worth another run. */
export function failedKeys({ lab }: Campaign): Set<string> {
  const failed = new Set<string>();
  for (const { config, outcome } of lab.trials) if (outcome.state === 'failed') failed.add(configKey(config));
  for (const { config, outcome } of lab.trials)
    if (outcome.state === 'measured') failed.delete(configKey(config));
  return failed;
}

export function pointOf(
  base: BenchmarkConfig,
  axes: readonly Axis[],
  values: readonly number[],
): BenchmarkConfig {
  return axes.reduce((config, axis, i) => configWith(config, axis.name, values[i]!), base);
}
