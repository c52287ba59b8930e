import type { DatasetView } from './dataset-view.ts';
import type { VectorOperation } from './options.ts';

/** How a server takes vectors: the FT.* commands of valkey-search and Redis Query Engine, or Redis 8 vector sets. */
export type VectorDialect = 'search' | 'vector-set';

/** All that a thread needs for its vector requests; it can be sent to a worker. */
export interface VectorPlan {
  readonly operation: VectorOperation;
  readonly dialect: VectorDialect;
  readonly dataset: DatasetView;
  readonly k: number;
  readonly efSearch?: number;
  /** The index, or the key of the vector set. */
  readonly index: string;
  readonly prefix: string;
  readonly field: string;
  /** Replies carry the fields of each record too. */
  readonly content?: true;
  readonly hnswM: number;
  readonly efConstruction: number;
  /** Of the order of the queries. */
  readonly seed: number;
}
