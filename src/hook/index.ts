/** `stagewatch/hook`: all that a hook, built-in or a user's own, needs to import. */
import type { Target } from '../target/contract.ts';
import type { Availability, Hook } from './contract.ts';

export { z } from 'zod';
export type * from './contract.ts';
export type { EndedSpan, Span, SpanId } from '../stage/span.ts';
export { type Stage, parseStage, stageLabel } from '../stage/stage.ts';
export type { Child, ChildEnd, Host, OpenFiles, SpawnOptions, Target } from '../target/contract.ts';

/** Checks the shape of a hook at compile time; the default export of a hook's file. */
export function defineHook<Options>(
  hook: Hook<Options, Target> & { target: 'required' },
): Hook<Options, Target>;
export function defineHook<Options>(
  hook: Hook<Options, Target | undefined> & { target: 'optional' },
): Hook<Options, Target | undefined>;
export function defineHook<Options>(hook: Hook<Options, never>): Hook<Options, never> {
  return hook;
}

export const available: Availability = { state: 'available' };

/** @param mend the command that makes the hook available. */
export function unavailable(reason: string, mend?: string): Availability {
  return mend === undefined ? { state: 'unavailable', reason } : { state: 'unavailable', reason, mend };
}

// Perf helpers.
export * from '../perf/index.ts';

// Target helpers.
export { type ProcessStat, parseStat } from '../restore/stat.ts';
export { type SystemCounters, parseSystem, systemFiles } from '../target/system-counters.ts';
export { type SystemSample, systemBetween } from '../target/system-sample.ts';
export {
  type ProcessCounters,
  type ProcessSample,
  parseProcess,
  processBetween,
  processFiles,
} from '../target/process-sample.ts';
export { type Numbers, type SeriesSummary, SpanSeries, type TimedSample } from '../target/span-series.ts';
export { startSteadyTimer } from '../target/steady-timer.ts';

// Server helpers.
export { type ServerAddress, ControlClient } from '../valkey/client.ts';
export { credentialsOf, Secret, type TlsFiles } from '../valkey/credentials.ts';
export type { Info } from '../valkey/info.ts';
export { askedBetween, type Snapshot, SnapshotTaker } from '../valkey/info-snapshot.ts';
export { type ServerSummary, summariseSnapshots } from '../valkey/info-summary.ts';
export { StagewatchError } from '../error.ts';

// Program helpers.
export type { KeptOutput } from '../target/kept-output.ts';
export { endMarked } from '../target/marked-processes.ts';
export { programState } from '../target/program-state.ts';
export { ReadyProgram } from '../target/ready-program.ts';
export { redactArgv } from '../target/redact.ts';
