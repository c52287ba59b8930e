import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkError } from '../bench/error.ts';
import type { BenchmarkResult } from '../bench/result.ts';

/** Runs one configuration once. Rejects with a BenchmarkError when the run failed or means nothing. */
export interface Measure {
  (config: BenchmarkConfig): Promise<BenchmarkResult>;
  /** How long a result or an error that it gave took, ms, where that is on record (see `replay`); else the clock says. */
  readonly tookMs?: (outcome: object) => number | undefined;
}

/** `numClients`, `efSearch`, `numThreads`, `pipeline`, ..., or `config:NAME`, a setting of the server. */
export type ParameterName = keyof BenchmarkConfig | `config:${string}`;

/** One thing that a search may turn. */
export interface Parameter {
  readonly name: ParameterName;
  /** Whole numbers, min <= max. */
  readonly min: number;
  readonly max: number;
  /** Only min, min + step, ...; 1 by default. */
  readonly step?: number;
}

/** What the answer must hold. */
export interface Constraints {
  /** 0 to 1; the average recall. */
  readonly minRecall?: number;
  /** ms. */
  readonly maxLatencyP99?: number;
}

export interface Budget {
  /** Runs of the benchmark in all, retries included. */
  readonly maxRuns: number;
  /** Sum of the trials' own durations, ms: so that a resumed search spends what is left. */
  readonly maxTimeMs?: number;
}

export interface SearchOptions {
  readonly base: BenchmarkConfig;
  readonly parameters: readonly Parameter[];
  readonly constraints: Constraints;
  readonly budget: Budget;
  /** Runs of each finalist at the end; 3 by default. */
  readonly repeats?: number;
  readonly signal?: AbortSignal;
}

export type TrialOutcome =
  | { readonly state: 'measured'; readonly result: BenchmarkResult }
  | { readonly state: 'failed'; readonly error: BenchmarkError; readonly attempt: number };

/** Why a point is being tried. */
export type TrialPurpose = 'ef' | 'bracket' | 'narrow' | 'repeat' | 'confirm' | 'grid' | 'sweep' | 'retry';

/** A trial before it runs. */
export interface PlannedTrial {
  /** From 1, in order. */
  readonly number: number;
  readonly config: BenchmarkConfig;
  readonly purpose: TrialPurpose;
}

/** One benchmark run inside a search. */
export interface Trial extends PlannedTrial {
  readonly outcome: TrialOutcome;
  /** How long it took in all, ms. */
  readonly tookMs: number;
}

/** What a search tells as it goes; its consumers journal, show and save. */
export type SearchEvent =
  | {
      readonly type: 'plan';
      readonly trial: PlannedTrial;
      /** Where the answer is sought now, of the parameter that is turned. */
      readonly bracket?: { readonly name: ParameterName; readonly low: number; readonly high: number };
      readonly best?: BenchmarkResult;
      /** Runs left at most. */
      readonly runsLeft: number;
    }
  | { readonly type: 'trial'; readonly trial: Trial }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

/** What keeps the answer from being higher. */
export type LimitedBy = 'recall' | 'p99' | 'saturation' | 'range' | 'budget';

/** A point and the mean of its fresh runs, with the interval of the mean QPS. */
export interface Best {
  readonly config: BenchmarkConfig;
  /** Of the fresh runs: means of QPS and recall; latencies are medians of runs. */
  readonly result: BenchmarkResult;
  readonly runs: number;
  /** 95 % interval of the mean QPS; null with fewer than two runs. */
  readonly qpsInterval: readonly [number, number] | null;
}

/** A point that no other beats in recall, QPS and p99 at once. */
export interface FrontierPoint {
  readonly config: BenchmarkConfig;
  readonly qps: number;
  readonly recallAvg: number | null;
  readonly latencyP99: number;
  readonly runs: number;
}

interface Searched {
  readonly trials: readonly Trial[];
  readonly frontier: readonly FrontierPoint[];
}

export type SearchAnswer =
  /** One point alone is limited by nothing that a search could tell: null. */
  | ({ readonly state: 'found'; readonly best: Best; readonly limitedBy: LimitedBy | null } & Searched)
  /** No point of the range holds the constraints; the nearest one tells by how much. */
  | ({ readonly state: 'infeasible'; readonly reason: string; readonly nearest: Best | null } & Searched)
  | ({ readonly state: 'undecided'; readonly reason: string; readonly nearest: Best | null } & Searched)
  | ({ readonly state: 'failed'; readonly error: BenchmarkError } & Searched);

/** A search: yields what happens, returns the answer. Ends with what it has when the signal aborts. */
export type Search = AsyncGenerator<SearchEvent, SearchAnswer, void>;
