import type { PlannedHook } from '../hook/plan.ts';
import type { DelaySummary, SessionEvent } from '../session/events.ts';
import type { Source, SourceEnd } from '../source/contract.ts';
import type { Stage } from '../stage/stage.ts';
import type { StageRow } from '../stage/table.ts';
import type { Target } from '../target/contract.ts';
import type { TargetQuery } from '../target/find.ts';
import type { TargetPlace } from '../target/locate.ts';

export interface MonitorOptions {
  /** What is followed; at least one. The monitor starts and ends them. */
  readonly sources: readonly Source[];
  /** Stages to profile: `vec-query`, `vec-query:ef_100`, `get:*`; all without any. */
  readonly watch: readonly string[];
  /** Stages to leave out. */
  readonly skip: readonly string[];
  readonly hooks: readonly PlannedHook[];
  /** Whether the user asked for these hooks: what is missing for them then counts as a failure. */
  readonly hooksAsked: boolean;
  readonly target: TargetQuery | TargetPlace;
  /** A server is needed even where every hook could do without. */
  readonly needsTarget: boolean;
  /** Profile every server found, instead of refusing to choose. */
  readonly allTargets: boolean;
  /** Which of several servers a stage concerns: the others are not profiled in it. All without. */
  readonly concerns?: (stage: Stage, target: Pick<Target, 'port'>) => boolean;
  readonly outputDir: string;
  /** Part of the session folder's name. */
  readonly label: string;
  /** A span that is open longer than this is closed as unfinished, ms. */
  readonly maxSpanMs: number;
  /** Arm the hooks before the sources start: where the benchmark is started by us. */
  readonly armFirst: boolean;
  /** For session.json: what was asked for. Secrets must be removed already. */
  readonly about: Readonly<Record<string, unknown>>;
  /** End: close the spans, collect, return. */
  readonly stop: AbortSignal;
  /** And do not collect: `stagewatch collect SESSION` can do it later. */
  readonly hurry: AbortSignal;
}

/** Something that makes the result incomplete. */
export interface Failure {
  readonly kind: 'hook' | 'target' | 'not-installed' | 'journal';
  /** Of the first time. */
  readonly message: string;
  readonly times: number;
}

export interface MonitorSummary {
  readonly folder: string;
  readonly stages: readonly StageRow[];
  readonly spans: number;
  readonly orphanEnds: number;
  /** Watched spans only, by hook name: from marker to acknowledged capture. */
  readonly startDelays: Readonly<Record<string, DelaySummary>>;
  readonly stopDelays: Readonly<Record<string, DelaySummary>>;
  readonly sources: Readonly<Record<string, SourceEnd>>;
  readonly failures: readonly Failure[];
  /** Ended spans that were not collected, since `hurry` came. */
  readonly uncollected: number;
}

/** Called for all that happens, in order, on the main thread; must be quick and must not throw. */
export type OnEvent = (event: SessionEvent, atNs: bigint) => void;
