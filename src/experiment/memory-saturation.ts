import { freemem } from 'node:os';
import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { UsageError } from '../error.ts';
import { stageLabel, type Stage } from '../stage/stage.ts';
import { ControlClient, type ServerAddress } from '../valkey/client.ts';
import { type MemoryFacts, readMemory } from './memory-facts.ts';
import { fillTo } from './memory-fill.ts';
import { OwnKeys } from './own-keys.ts';
import { demandPermission, isLoopback } from './permission.ts';
import { parseBytes } from './setting-value.ts';
import { stageOfTrial } from './stage-of-trial.ts';
import { putBack, runSteps, type StepOptions, type Steps } from './steps.ts';
import type { Room } from './trial-source.ts';

export interface MemoryOptions extends StepOptions {
  readonly address: ServerAddress;
  /** Of each run: get, set, or a mix of them. Its maxmemory and policy are settings in `serverConfig`. */
  readonly base: BenchmarkConfig;
  /** Of maxmemory, ascending, each 1 to 100. */
  readonly percents: readonly number[];
  readonly yes: boolean;
}

/** What the server did during one step's run. */
export interface MemoryCounts {
  readonly evictedKeys: number;
  /** Replies that said OOM. */
  readonly oomErrors: number;
  /** Of reads; null without any. */
  readonly hitRate: number | null;
}

export type MemoryStep = { readonly percent: number; readonly stage: string } & (
  | {
      readonly state: 'measured';
      readonly result: BenchmarkResult;
      /** Before the run, and after it. */
      readonly before: MemoryFacts;
      readonly after: MemoryFacts;
      readonly keys: number;
      readonly counts: MemoryCounts;
    }
  | {
      /** `refused`: every single reply was an error, as it is when a full server may evict nothing. */
      readonly state: 'refused' | 'failed';
      readonly code: string;
      readonly message: string;
      readonly before: MemoryFacts;
      readonly after: MemoryFacts;
      readonly keys: number;
      readonly counts: MemoryCounts;
    }
  /** More than this was in use before we began. */
  | { readonly state: 'skipped'; readonly message: string }
);

export type MemoryEvent =
  | {
      readonly type: 'filling';
      readonly percent: number;
      readonly targetBytes: number;
      readonly facts: MemoryFacts;
    }
  | { readonly type: 'step'; readonly step: MemoryStep };

/** At the limit keys are drawn from so many times those that fit, so that writes go on needing memory. */
const beyondWhatFits = 1.25;

/**
 * Fills a server step by step up to its maxmemory, and measures the operation at each level. Its own keys are removed
 * afterwards, and its settings put back.
 * @returns the steps until the end, or until the room's signal came.
 * @throws {UsageError} needs-yes, bad-operation, no-maxmemory, maxmemory-too-small, not-enough-memory, cluster.
 */
export async function saturateMemory(
  options: MemoryOptions,
  room: Room,
  onEvent: (event: MemoryEvent) => void,
): Promise<MemoryStep[]> {
  const { address, base, yes } = options;
  checkOwnKeyOperation(base.operation);
  await using client = new ControlClient(address);
  await demandPermission(client, address, 'memory-saturation, which fills it and may make it evict', yes);
  await checkRoom(client, options);
  return await runSteps(options, room, async (steps) => {
    await steps.prepare(base);
    const keys = await OwnKeys.open(client, room.journal, 'memory');
    try {
      return await climb(options, client, keys, steps, onEvent);
    } finally {
      await putBack([keys], room);
    }
  });
}

/** Reads and writes of plain keys: no others are ours alone to remove. @throws {UsageError} bad-operation */
export function checkOwnKeyOperation(operation: string): void {
  const names = operation.split(',').map((part) => part.split(':', 1)[0]!.trim().toLowerCase());
  if (names.every((name) => name === 'get' || name === 'set')) return;
  throw new UsageError(
    'bad-operation',
    `Expected --operation to be get, set, or a mix like get:0.8,set:0.2, got "${operation}".`,
  );
}

async function climb(
  options: MemoryOptions,
  client: ControlClient,
  keys: OwnKeys,
  steps: Steps,
  onEvent: (event: MemoryEvent) => void,
): Promise<MemoryStep[]> {
  const done: MemoryStep[] = [];
  const valueBytes = options.base.dataSize;
  for (const percent of options.percents) {
    const { maxmemoryBytes } = await readMemory(client);
    const targetBytes = (maxmemoryBytes * percent) / 100;
    const filled = await fillTo(targetBytes, { client, keys, valueBytes }, steps.signal, (facts) =>
      onEvent({ type: 'filling', percent, targetBytes, facts }),
    );
    if (filled.state === 'stopped') break;
    const step =
      keys.count === 0
        ? skipped(options.base, percent, filled.facts)
        : await measure(
            options.base,
            percent,
            filled.state === 'limit' || percent >= 100,
            client,
            keys,
            steps,
          );
    if (steps.signal.aborted) break;
    done.push(step);
    onEvent({ type: 'step', step });
    if (step.state === 'failed') break;
  }
  return done;
}

async function measure(
  base: BenchmarkConfig,
  percent: number,
  isFull: boolean,
  client: ControlClient,
  keys: OwnKeys,
  steps: Steps,
): Promise<MemoryStep> {
  const keyspace = Math.ceil(keys.count * (isFull ? beyondWhatFits : 1));
  keys.reserve(keyspace);
  const stage = stageOf(base, percent);
  const before = await readMemory(client);
  const outcome = await steps.run(
    stage,
    // Refusals are what is sought here.
    base.with({ keyspace, allowErrors: true, extraArgs: [...base.extraArgs, '--key-prefix', keys.prefix] }),
  );
  const after = await readMemory(client);
  const common = {
    percent,
    stage: stageLabel(stage),
    before,
    after,
    keys: keys.count,
    counts: countsBetween(before, after),
  };
  if (outcome.state === 'measured') return { ...common, state: 'measured', result: outcome.result };
  const { code, message } = outcome.error;
  // With errors allowed this is told only when there was nothing else.
  const isRefusal = code === 'error-replies' && common.counts.oomErrors > 0;
  return { ...common, state: isRefusal ? 'refused' : 'failed', code, message };
}

/** `set:mem_75`. */
function stageOf(base: BenchmarkConfig, percent: number): Stage {
  return { ...stageOfTrial(base, []), tag: `mem_${percent}` };
}

function countsBetween(before: MemoryFacts, after: MemoryFacts): MemoryCounts {
  const hits = after.hits - before.hits;
  const reads = hits + after.misses - before.misses;
  return {
    evictedKeys: after.evictedKeys - before.evictedKeys,
    oomErrors: after.oomErrors - before.oomErrors,
    hitRate: reads > 0 ? hits / reads : null,
  };
}

function skipped(base: BenchmarkConfig, percent: number, facts: MemoryFacts): MemoryStep {
  const used = Math.round((facts.usedBytes / facts.maxmemoryBytes) * 100);
  return {
    percent,
    stage: stageLabel(stageOf(base, percent)),
    state: 'skipped',
    message: `${used} % of maxmemory was in use before any key was written`,
  };
}

/** @throws {UsageError} before anything is changed, for what would end badly. */
async function checkRoom(client: ControlClient, { base }: MemoryOptions): Promise<void> {
  const facts = await readMemory(client);
  if (facts.isCluster)
    throw new UsageError(
      'cluster',
      `Expected a server of its own for this, but ${client.where} is a node of a cluster: keys would be spread over its nodes.`,
    );
  const asked = base.serverConfig['maxmemory'];
  const limit = asked === undefined ? facts.maxmemoryBytes : (parseBytes(asked) ?? 0);
  if (limit === 0)
    throw new UsageError(
      'no-maxmemory',
      `Expected --maxmemory BYTES, since ${client.where} has no limit of its own: how much may it use at most?`,
    );
  if (limit <= facts.usedBytes)
    throw new UsageError(
      'maxmemory-too-small',
      `Expected --maxmemory to be over the ${facts.usedBytes} bytes that ${client.where} uses now, got ${limit}: it would evict or refuse at once.`,
    );
  const isHere = await isLoopback(base.host);
  if (isHere && limit - facts.usedBytes > freemem())
    throw new UsageError(
      'not-enough-memory',
      `Expected maxmemory to fit into this machine's memory: to reach ${limit} bytes the server needs ${limit - facts.usedBytes} more, and ${freemem()} are free. --maxmemory takes a smaller limit.`,
    );
}
