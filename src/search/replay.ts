import type { Measure, Trial } from './contract.ts';
import { configKey } from './config-key.ts';

/**
 * Gives what is on record before it measures anything: each recorded outcome once, failures too, in order, to the
 * same configuration. A search that asks the same questions then gets the same answers in the same time, and so goes
 * on where it was broken off. Runs that an abort cut short are no measurements, and are measured anew.
 */
export function replay(trials: readonly Trial[], measure: Measure): Measure {
  const recorded = new Map<string, Trial[]>();
  for (const trial of trials) {
    if (trial.outcome.state === 'failed' && trial.outcome.error.code === 'aborted') continue;
    const key = configKey(trial.config);
    recorded.set(key, [...(recorded.get(key) ?? []), trial]);
  }
  const tookMs = new WeakMap<object, number>();

  const replayed: Measure = async (config) => {
    const trial = recorded.get(configKey(config))?.shift();
    if (trial === undefined) return measure(config);
    const outcome = trial.outcome.state === 'measured' ? trial.outcome.result : trial.outcome.error;
    tookMs.set(outcome, trial.tookMs);
    if (trial.outcome.state === 'failed') throw trial.outcome.error;
    return trial.outcome.result;
  };
  return Object.assign(replayed, {
    tookMs: (outcome: object) => tookMs.get(outcome) ?? measure.tookMs?.(outcome),
  });
}
