import type { GroundTruthOptions } from './ground-truth.ts';

/** How far a long piece of work has come, in vectors. */
export interface DatasetProgress {
  readonly phase: 'vectors' | 'ground truth';
  readonly done: number;
  readonly of: number;
}

/** What every long piece of work takes. */
export interface WorkOptions {
  /** Threads for the ground truth; all cores without it. The result does not depend on it. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DatasetProgress) => void;
}

/** The same for the search of the ground truth. */
export function searchOptions(options: WorkOptions): GroundTruthOptions {
  return {
    ...(options.threads !== undefined && { threads: options.threads }),
    ...(options.signal && { signal: options.signal }),
    onProgress: (done, of) => options.onProgress?.({ phase: 'ground truth', done, of }),
  };
}
