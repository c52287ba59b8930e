import type { BenchmarkConfig } from '../bench/config.ts';
import type { TrialOutcome } from '../search/contract.ts';
import { mean, meanInterval } from '../stats/mean.ts';
import { operationName } from './stage-of-trial.ts';
import { runSteps, type StepOptions, type Steps } from './steps.ts';
import type { Room } from './trial-source.ts';

export type AbSide = 'a' | 'b';

export interface AbOptions extends StepOptions {
  /** Of both sides, but for where their servers are. */
  readonly base: BenchmarkConfig;
  readonly servers: Readonly<Record<AbSide, { readonly host: string; readonly port: number }>>;
  /** As many, or with a precision at least as many. */
  readonly pairs: number;
  /** Goes on until half the 95 % interval of the change of QPS is as narrow: a share. */
  readonly precision?: number;
  readonly maxRuns: number;
  /** No pair is begun after it, ms. */
  readonly maxTimeMs: number;
}

/** One run of one side, after it has ended. */
export interface AbRun {
  /** From 1. */
  readonly pair: number;
  readonly side: AbSide;
  readonly stage: string;
  readonly outcome: TrialOutcome;
}

export interface AbEnd {
  readonly state: 'done' | 'max-runs' | 'max-time' | 'stopped' | 'failed';
  /** Both runs of which were measured. */
  readonly pairs: number;
}

/** Failed runs after which it is given up. */
const MOST_FAILURES = 3;

/**
 * Runs one operation on two servers in turns, A B B A: drift meets both sides alike. Each run is a stage, `get:a` or
 * `get:b`. A pair with a failed run does not count, and is run again.
 */
export async function runAbPairs(
  options: AbOptions,
  room: Room,
  onRun: (run: AbRun) => void,
): Promise<AbEnd> {
  return await runSteps(options, room, async (steps) => {
    const startedMs = performance.now();
    const logRatios: number[] = [];
    let failures = 0;
    for (let pair = 1; ; pair++) {
      const state = whyEnded(options, logRatios, {
        failures,
        runs: 2 * (pair - 1),
        tookMs: performance.now() - startedMs,
      });
      if (state !== undefined) return { state, pairs: logRatios.length };
      const qps: Partial<Record<AbSide, number>> = {};
      for (const side of pair % 2 === 1 ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
        const run = await runSide(options, steps, pair, side);
        if (room.signal.aborted) return { state: 'stopped', pairs: logRatios.length };
        onRun(run);
        if (run.outcome.state === 'measured') qps[side] = run.outcome.result.qps;
        else failures++;
      }
      if (qps.a && qps.b) logRatios.push(Math.log(qps.b / qps.a));
    }
  });
}

async function runSide(
  { base, servers }: AbOptions,
  steps: Steps,
  pair: number,
  side: AbSide,
): Promise<AbRun> {
  const stage = { name: operationName(base), tag: side };
  const outcome = await steps.run(stage, base.with(servers[side]));
  return { pair, side, stage: `${stage.name}:${side}`, outcome };
}

function whyEnded(
  { pairs, precision, maxRuns, maxTimeMs }: AbOptions,
  logRatios: readonly number[],
  { failures, runs, tookMs }: { readonly failures: number; readonly runs: number; readonly tookMs: number },
): Exclude<AbEnd['state'], 'stopped'> | undefined {
  if (failures >= MOST_FAILURES) return 'failed';
  if (logRatios.length >= pairs && (precision === undefined || halfWidth(logRatios) <= precision))
    return 'done';
  if (runs + 2 > maxRuns) return 'max-runs';
  return tookMs > maxTimeMs ? 'max-time' : undefined;
}

/** Of the interval of the change, a share. */
export function halfWidth(logRatios: readonly number[]): number {
  const interval = meanInterval(logRatios);
  if (interval === null) return Infinity;
  return Math.expm1(interval[1] - mean(logRatios));
}
