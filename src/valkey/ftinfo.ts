import type { Reply } from './client.ts';
import { toNumber } from './info.ts';
import { pairsOf } from './info-latency.ts';

export interface FtVectorField {
  readonly name: string;
  /** `HNSW`, `FLAT`. */
  readonly algorithm: string | undefined;
  readonly dimensions: number | undefined;
  /** `L2`, `IP`, `COSINE`. */
  readonly metric: string | undefined;
  readonly m: number | undefined;
  readonly efConstruction: number | undefined;
  readonly efRuntime: number | undefined;
}

/** FT.INFO, as valkey-search or the Redis Query Engine says it. */
export interface FtIndex {
  readonly name: string;
  readonly documents: number | undefined;
  readonly indexingFailures: number | undefined;
  /** It is still taking in documents that were there before it. */
  readonly backfilling: boolean | undefined;
  /** Writes that it has not taken in yet; only valkey-search tells. */
  readonly mutationQueue: number | undefined;
  readonly vectors: readonly FtVectorField[];
  /** Every number at the top and one level below (`gc_stats.bytes_collected`), by its own name. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Undefined when it is no FT.INFO. Names and values are the server's: never trusted. */
export function parseFtInfo(reply: Reply): FtIndex | undefined {
  const fields = new Map(pairsOf(reply));
  const name = fields.get('index_name');
  if (typeof name !== 'string') return undefined;
  const numbers = numbersOf(fields);
  const backfilling = numbers.get('backfill_in_progress') ?? numbers.get('indexing');
  return {
    name,
    documents: numbers.get('num_docs'),
    indexingFailures: numbers.get('hash_indexing_failures'),
    backfilling: backfilling === undefined ? undefined : backfilling !== 0,
    mutationQueue: numbers.get('mutation_queue_size'),
    vectors: vectorsOf(fields.get('attributes') ?? fields.get('fields') ?? []),
    numbers,
  };
}

/** Searches see everything that was written: no backfill, and no queue of writes. */
export function isIndexReady({ backfilling, mutationQueue }: FtIndex): boolean {
  return backfilling !== true && (mutationQueue ?? 0) === 0;
}

/** Names of a FT._LIST reply. */
export function parseFtList(reply: Reply): string[] {
  return Array.isArray(reply) ? reply.filter((name): name is string => typeof name === 'string') : [];
}

function numbersOf(fields: ReadonlyMap<string, Reply>): Map<string, number> {
  const numbers = new Map<string, number>();
  const add = (name: string, value: Reply): void => {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' ? toNumber(value) : undefined;
    if (number !== undefined) numbers.set(name, number);
  };
  for (const [name, value] of fields) {
    add(name, value);
    if (name === 'attributes' || name === 'fields') continue;
    for (const [inner, innerValue] of pairsOf(value)) add(`${name}.${inner}`, innerValue);
  }
  return numbers;
}

function vectorsOf(attributes: Reply): FtVectorField[] {
  if (!Array.isArray(attributes)) return [];
  return attributes.flatMap((attribute: Reply) => {
    // valkey-search nests `index` and, in it, `algorithm`; Redis has it all in one list.
    const fields = new Map(pairsOf(attribute));
    if (String(fields.get('type')).toUpperCase() !== 'VECTOR') return [];
    const all = new Map(fields);
    for (const [name, value] of pairsOf(fields.get('index') ?? [])) all.set(name, value);
    const nested = all.get('algorithm');
    for (const [name, value] of pairsOf(nested ?? [])) all.set(name === 'name' ? 'algorithm' : name, value);
    return [
      {
        name: textOf(all.get('attribute')) ?? textOf(all.get('identifier')) ?? '',
        algorithm: textOf(all.get('algorithm')),
        dimensions: numberOf(all.get('dim') ?? all.get('dimensions')),
        metric: textOf(all.get('distance_metric')),
        m: numberOf(all.get('m') ?? all.get('M')),
        efConstruction: numberOf(all.get('ef_construction')),
        efRuntime: numberOf(all.get('ef_runtime')),
      },
    ];
  });
}

const textOf = (value: Reply | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const numberOf = (value: Reply | undefined): number | undefined =>
  typeof value === 'number' ? value : toNumber(textOf(value));
