import type { Stage } from './stage.ts';

/** Further `key=value` words of a marker line, in order; later ones of one name win. */
export type MarkerAttributes = readonly (readonly [key: string, value: string])[];

/** One `[STAGE:START]` or `[STAGE:END]`. */
export type Marker =
  | { readonly kind: 'start'; readonly stage: Stage; readonly attributes: MarkerAttributes }
  | {
      readonly kind: 'end';
      readonly stage: Stage;
      readonly attributes: MarkerAttributes;
      /** What the benchmark says itself, ms. */
      readonly durationMs?: number;
    };

/** Markers that arrived in one read of one source. */
export interface MarkerBatch {
  readonly markers: readonly Marker[];
  /** When the read returned: `process.hrtime`, CLOCK_MONOTONIC, ns. */
  readonly atNs: bigint;
  /** True for what stood in a file before it was followed: recorded, but no hook runs for it. */
  readonly history: boolean;
}
