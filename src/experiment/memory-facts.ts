import { BenchmarkError } from '../bench/error.ts';
import type { ControlClient } from '../valkey/client.ts';
import { type Info, parseInfo } from '../valkey/info.ts';

/** What a server says of its memory at one moment. */
export interface MemoryFacts {
  /** What it compares with maxmemory: used_memory without buffers of replicas and of the append-only file. */
  readonly usedBytes: number;
  /** 0 for no limit. */
  readonly maxmemoryBytes: number;
  readonly policy: string;
  /** Of the process, as the kernel counts it. */
  readonly rssBytes: number;
  /** rssBytes over used_memory. */
  readonly fragmentationRatio: number | null;
  /** Since its start. */
  readonly evictedKeys: number;
  readonly oomErrors: number;
  readonly hits: number;
  readonly misses: number;
  readonly isCluster: boolean;
}

/** @throws {StagewatchError} when it cannot be asked. @throws {BenchmarkError} no-memory-facts. */
export async function readMemory(client: ControlClient): Promise<MemoryFacts> {
  return memoryOf(parseInfo(await client.askText(['INFO', 'everything'])), client.where);
}

function memoryOf(info: Info, where: string): MemoryFacts {
  const used = info.number('used_memory');
  if (used === undefined)
    throw new BenchmarkError('no-memory-facts', `${where}: expected INFO to say its used_memory.`);
  return {
    usedBytes: used - (info.number('mem_not_counted_for_evict') ?? 0),
    maxmemoryBytes: info.number('maxmemory') ?? 0,
    policy: info.text('maxmemory_policy') ?? '',
    rssBytes: info.number('used_memory_rss') ?? 0,
    fragmentationRatio: info.number('mem_fragmentation_ratio') ?? null,
    evictedKeys: info.number('evicted_keys') ?? 0,
    oomErrors: info.errors.get('OOM') ?? 0,
    hits: info.number('keyspace_hits') ?? 0,
    misses: info.number('keyspace_misses') ?? 0,
    isCluster: info.text('cluster_enabled') === '1',
  };
}
