import { BenchmarkError } from '../bench/error.ts';
import type { ControlClient } from '../valkey/client.ts';
import { type MemoryFacts, readMemory } from './memory-facts.ts';
import type { OwnKeys } from './own-keys.ts';

/** Of the target: that near is there. Hash tables double, so nearer is not always possible. */
const tolerance = 0.002;
/** Keys between looks at the server: so many may be too many. */
const roundKeys = 20_000;
/** What a server adds to a small key and its value, to begin with. */
const overheadBytes = 100;
/** Of the first round, in which a key's true size is learnt. */
const firstKeys = 500;
/** Of what is left, in each further round: the last ones are small, so that none leads far beyond. */
const share = 0.8;
/** Rounds in which the memory did not grow, before it is given up. */
const idleRounds = 20;

export interface Filled {
  /** `limit`: the server evicts, or refuses, before the target is reached. */
  readonly state: 'level' | 'limit' | 'stopped';
  readonly facts: MemoryFacts;
}

/**
 * Writes keys until the server uses that much memory, or evicts keys, or refuses more.
 * @param onProgress told after each round.
 * @throws {BenchmarkError} no-growth. @throws {StagewatchError} when the server is lost.
 */
export async function fillTo(
  targetBytes: number,
  { client, keys, valueBytes }: { client: ControlClient; keys: OwnKeys; valueBytes: number },
  signal: AbortSignal,
  onProgress: (facts: MemoryFacts) => void,
): Promise<Filled> {
  const first = await readMemory(client);
  let facts = first;
  let bytesPerKey = valueBytes + overheadBytes;
  let idle = 0;
  // What is to be full is filled until the server itself says so.
  const enoughBytes = targetBytes >= first.maxmemoryBytes ? targetBytes : targetBytes * (1 - tolerance);
  while (facts.usedBytes < enoughBytes) {
    if (signal.aborted) return { state: 'stopped', facts };
    const wanted = Math.ceil((targetBytes - facts.usedBytes) / bytesPerKey);
    const most = keys.count === 0 ? firstKeys : roundKeys;
    const round = Math.max(1, Math.min(most, Math.ceil(wanted * share)));
    const before = { used: facts.usedBytes, count: keys.count };
    const { state } = await keys.add(round, valueBytes, signal);
    facts = await readMemory(client);
    onProgress(facts);
    if (state === 'refused' || facts.evictedKeys > first.evictedKeys) return { state: 'limit', facts };
    const grown = facts.usedBytes - before.used;
    const added = keys.count - before.count;
    // A table that grew in one round must not make the next ones too small.
    if (grown > 0 && added >= 100)
      bytesPerKey = Math.max(valueBytes, Math.min(grown / added, valueBytes + 4 * overheadBytes));
    idle = grown > 0 ? 0 : idle + 1;
    if (idle > idleRounds)
      throw new BenchmarkError(
        'no-growth',
        `Expected ${client.where} to use more memory with each key, but it uses ${facts.usedBytes} bytes after ${keys.count} keys: does somebody delete them?`,
      );
  }
  return { state: 'level', facts };
}
