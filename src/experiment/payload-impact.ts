import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkError } from '../bench/error.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { UsageError } from '../error.ts';
import { stageLabel, type Stage } from '../stage/stage.ts';
import { ControlClient, type ServerAddress } from '../valkey/client.ts';
import { fillAndWeigh, weighKeys } from './key-bytes.ts';
import { readMemory } from './memory-facts.ts';
import { NetBytes, type RequestBytes } from './net-bytes.ts';
import { OwnKeys } from './own-keys.ts';
import { putBack, runSteps, type StepOptions, type Steps } from './steps.ts';
import type { Room } from './trial-source.ts';

/** What is varied. */
export type Payload =
  /** Values of keys of our own. */
  | {
      readonly kind: 'values';
      readonly operations: readonly ('set' | 'get')[];
      /** Bytes, each 1 or more. */
      readonly sizes: readonly number[];
      readonly keys: number;
    }
  /** Replies of vec-query, to an index that is there. */
  | { readonly kind: 'content'; readonly prefix: string };

export interface PayloadOptions extends StepOptions {
  readonly address: ServerAddress;
  readonly base: BenchmarkConfig;
  readonly payload: Payload;
}

export type PayloadPoint = {
  readonly operation: string;
  /** Of a value; null for replies of vec-query. */
  readonly valueBytes: number | null;
  /** Whether replies of vec-query carry the fields; null for values. */
  readonly content: boolean | null;
  readonly stage: string;
  /** Memory that a key takes, its value included; null where the server does not tell. */
  readonly bytesPerKey: number | null;
} & (
  | {
      readonly state: 'measured';
      readonly result: BenchmarkResult;
      /** As the server counted them; null where it does not, and for runs of a few milliseconds. */
      readonly bytes: RequestBytes | null;
    }
  | { readonly state: 'failed'; readonly error: BenchmarkError }
);

/** What the server counts an operation as. */
const commandsOf: Readonly<Record<string, readonly string[]>> = {
  set: ['set'],
  get: ['get'],
  'vec-query': ['FT.SEARCH', 'ft.search', 'VSIM', 'vsim'],
};
/** What a server adds to a key and its value, at most, bytes. */
const overheadBytes = 200;

/**
 * Measures the same operation with payloads of several sizes. Keys that it writes are its own, and removed.
 * @returns the points until the end, or until the room's signal came.
 * @throws {UsageError} too-much-data, cluster.
 */
export async function measurePayloads(
  options: PayloadOptions,
  room: Room,
  onPoint: (point: PayloadPoint) => void,
): Promise<PayloadPoint[]> {
  const { address, payload, base } = options;
  await using client = new ControlClient(address);
  return await runSteps(options, room, async (steps) => {
    await steps.prepare(base);
    if (payload.kind === 'content') return await sweepContent(client, base, payload.prefix, steps, onPoint);
    await checkSpace(client, payload);
    const keys = await OwnKeys.open(client, room.journal, 'payload');
    try {
      return await sweepValues(client, keys, base, payload, steps, onPoint);
    } finally {
      await putBack([keys], room);
    }
  });
}

async function sweepValues(
  client: ControlClient,
  keys: OwnKeys,
  base: BenchmarkConfig,
  payload: Payload & { kind: 'values' },
  steps: Steps,
  onPoint: (point: PayloadPoint) => void,
): Promise<PayloadPoint[]> {
  const points: PayloadPoint[] = [];
  for (const valueBytes of payload.sizes) {
    await keys.remove();
    const { state, bytesPerKey } = await fillAndWeigh(client, keys, payload.keys, valueBytes, steps.signal);
    if (state === 'refused')
      throw new UsageError(
        'too-much-data',
        `Expected ${payload.keys} values of ${valueBytes} bytes to fit into the server's maxmemory: --keys takes fewer.`,
      );
    for (const operation of payload.operations) {
      if (steps.signal.aborted) return points;
      const config = base.with({
        operation,
        dataSize: valueBytes,
        keyspace: payload.keys,
        extraArgs: [...base.extraArgs, '--key-prefix', keys.prefix],
      });
      const stage = { name: operation, tag: `size_${valueBytes}` };
      const what = { operation, valueBytes, content: null, bytesPerKey };
      const point = await measure(client, config, stage, what, steps);
      if (steps.signal.aborted) return points;
      points.push(point);
      onPoint(point);
    }
  }
  return points;
}

async function sweepContent(
  client: ControlClient,
  base: BenchmarkConfig,
  prefix: string,
  steps: Steps,
  onPoint: (point: PayloadPoint) => void,
): Promise<PayloadPoint[]> {
  const points: PayloadPoint[] = [];
  const { bytesPerKey, isVectorSet } = await weighKeys(client, prefix);
  if (isVectorSet)
    steps.room.tell({
      type: 'notice',
      code: 'no-content',
      message: 'a vector set has no content that replies could carry: without content only',
    });
  for (const content of isVectorSet ? [false] : [false, true]) {
    const stage = { name: 'vec-query', tag: content ? 'content' : 'nocontent' };
    const what = { operation: 'vec-query', valueBytes: null, content, bytesPerKey };
    const point = await measure(client, base.with({ noContent: !content }), stage, what, steps);
    if (steps.signal.aborted) break;
    points.push(point);
    onPoint(point);
  }
  return points;
}

async function measure(
  client: ControlClient,
  config: BenchmarkConfig,
  stage: Stage,
  what: Pick<PayloadPoint, 'operation' | 'valueBytes' | 'content' | 'bytesPerKey'>,
  steps: Steps,
): Promise<PayloadPoint> {
  const net = new NetBytes(client, commandsOf[what.operation] ?? []);
  const outcome = await steps.run(stage, config).finally(() => net.end());
  const point = { ...what, stage: stageLabel(stage) };
  if (outcome.state === 'failed') return { ...point, state: 'failed', error: outcome.error };
  return { ...point, state: 'measured', result: outcome.result, bytes: (await net.end()) ?? null };
}

/** @throws {UsageError} before anything is written that would drive other keys out. */
async function checkSpace(client: ControlClient, payload: Payload & { kind: 'values' }): Promise<void> {
  const facts = await readMemory(client);
  if (facts.isCluster)
    throw new UsageError(
      'cluster',
      `Expected a server of its own for this, but ${client.where} is a node of a cluster: keys would be spread over its nodes.`,
    );
  const needed = payload.keys * (Math.max(...payload.sizes) + overheadBytes);
  const left = facts.maxmemoryBytes === 0 ? Infinity : facts.maxmemoryBytes - facts.usedBytes;
  if (needed > left)
    throw new UsageError(
      'too-much-data',
      `Expected ${payload.keys} keys of ${Math.max(...payload.sizes)} bytes to fit into what the server's maxmemory leaves, ${left} bytes: others' keys would be evicted. --keys takes fewer.`,
    );
}
