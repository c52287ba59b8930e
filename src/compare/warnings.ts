import type { CompareWarning, StageComparison } from './comparison.ts';
import { differencesOf, isOtherSetup, mergeFacts, type FactDifference, type Facts } from './facts.ts';
import { metricOf, rateMetrics } from './metric.ts';
import type { Side } from './side.ts';
import { rangeText } from './why.ts';

/** What makes the figures of two sides less than comparable. */
export function warningsOf(base: Side, fresh: Side): CompareWarning[] {
  const warnings: CompareWarning[] = [];
  for (const difference of setupDifferences(base, fresh))
    warnings.push({
      code: isOtherSetup(difference) ? 'other-setup' : 'other-build',
      message: differenceText(difference),
    });
  for (const [from, in_] of [
    [base, fresh],
    [fresh, base],
  ] as const)
    for (const { stage } of from.stages)
      if (!in_.stages.some((other) => other.stage === stage))
        warnings.push({
          code: 'stage-missing',
          message: `${stage} is in ${from.name} only: it is not compared`,
        });
  for (const stage of base.stages) {
    const other = fresh.stages.find(({ stage: label }) => label === stage.stage);
    if (other && stage.hooks.join() !== other.hooks.join())
      warnings.push({
        code: 'other-hooks',
        message: `${stage.stage}: profiled by ${stage.hooks.join(', ') || 'nothing'} against ${other.hooks.join(', ') || 'nothing'}: what profiling costs is in the difference`,
      });
  }
  for (const { notes } of [base, fresh])
    for (const message of notes) warnings.push({ code: 'left-out', message });
  return warnings;
}

/** In how far host, servers and configuration of what is compared are not the same. */
export function setupDifferences(base: Side, fresh: Side): FactDifference[] {
  const shared = (side: Side, other: Side): Facts =>
    mergeFacts(
      side.stages
        .filter(({ stage }) => other.stages.some(({ stage: label }) => label === stage))
        .map(({ facts }) => facts),
    );
  return [
    ...differencesOf(base.facts, fresh.facts),
    ...differencesOf(shared(base, fresh), shared(fresh, base)),
  ];
}

/** `host.kernel differs: 6.1.0 against 6.12.0`. */
export function differenceText({ name, base, new: fresh }: FactDifference): string {
  return `${name} differs: ${base} against ${fresh}`;
}

/** A server that waits (for a CPU quota, a lock, a disk) costs no more CPU time: it is not slower by that figure. */
export function slowThoughCheap(stages: readonly StageComparison[], margin: number): CompareWarning[] {
  return stages.flatMap(({ stage, verdict, figures }): CompareWarning[] => {
    const rate = figures.find(({ metric, judged }) => !judged && rateMetrics.some((name) => name === metric));
    const interval = rate?.change.interval;
    if (verdict === 'slower' || !rate || !interval || interval[1] >= 1 / (1 + margin) - 1) return [];
    return [
      {
        code: 'qps-fell',
        message: `${stage}: ${metricOf(rate.metric).title} ${rangeText(interval)}, though it was not judged by that: the server, or what drives it, may wait for something; --by qps judges it`,
      },
    ];
  });
}
