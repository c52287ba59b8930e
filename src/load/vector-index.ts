import { setTimeout as sleep } from 'node:timers/promises';
import { RespError, isRespArray, pairsOf, textOf, type CommandWord, type RespValue } from '../valkey/resp.ts';
import type { ControlLink } from './control-link.ts';
import { LoadError } from './error.ts';
import { addressText } from './options.ts';
import type { VectorDialect, VectorPlan } from './vector-plan.ts';

const POLL_MS = 50;
/** An index that does not come nearer to ready for this long never will, ms. */
const STALLED_MS = 60_000;

/** What a server says about an index or a vector set; absent where it does not say. */
export interface IndexState {
  readonly vectors: number;
  readonly isReady: boolean;
  readonly dim?: number;
  readonly metric?: string;
  readonly m?: number;
  readonly efConstruction?: number;
  readonly prefixes?: readonly string[];
  /** Every search looks at all vectors: ef, M and recall mean nothing. */
  readonly isFlat: boolean;
}

/** @throws {LoadError} no-vector-search */
export async function detectDialect(control: ControlLink): Promise<VectorDialect> {
  const isKnown = (reply: RespValue): boolean =>
    !(reply instanceof RespError && /unknown command/i.test(reply.message));
  if (isKnown(await control.ask(['FT._LIST']))) return 'search';
  if (isKnown(await control.ask(['VCARD', 'stagewatch:dialect']))) return 'vector-set';
  throw new LoadError(
    'no-vector-search',
    `${addressText(control.address)} knows neither FT.* commands nor vector sets: load the valkey-search module, or use Redis 8 or \`stagewatch engine\`.`,
  );
}

/** undefined when there is no such index. */
export async function readIndex(control: ControlLink, plan: VectorPlan): Promise<IndexState | undefined> {
  return plan.dialect === 'search' ? readSearchIndex(control, plan) : readVectorSet(control, plan.index);
}

async function readVectorSet(control: ControlLink, key: string): Promise<IndexState | undefined> {
  const reply = await control.demand(['VINFO', key]);
  const info = reply === null ? undefined : pairsOf(reply);
  if (info === undefined || info.size === 0) return undefined;
  return {
    vectors: Number(textOf(info.get('size'))),
    isReady: true, // VADD returns when the element is linked
    isFlat: false,
    metric: 'cosine',
    dim: Number(textOf(info.get('vector-dim'))),
    m: Number(textOf(info.get('hnsw-m'))),
  };
}

async function readSearchIndex(control: ControlLink, plan: VectorPlan): Promise<IndexState | undefined> {
  const reply = await control.ask(['FT.INFO', plan.index]);
  if (reply instanceof RespError) {
    if (/not found|unknown index|no such index|does not exist/i.test(reply.message)) return undefined;
    throw new LoadError(
      'command-refused',
      `${addressText(control.address)} refused FT.INFO ${plan.index}: ${reply.message}`,
    );
  }
  const info = pairsOf(reply) ?? new Map<string, RespValue>();
  const number = (key: string): number => Number(textOf(info.get(key)) ?? 0);
  const attribute = attributeOf(info.get('attributes'), plan.field);
  if (attribute === undefined)
    throw new LoadError(
      'missing-field',
      `${plan.index} has no vector field "${plan.field}": --search-vector-field says which one it is.`,
    );
  const figure = (...names: string[]): number | undefined => {
    const text = names.map((name) => attribute.get(name)).find((value) => value !== undefined);
    return text === undefined ? undefined : Number(text);
  };
  const definition = pairsOf(info.get('index_definition'))?.get('prefixes');
  const prefixes = isRespArray(definition) ? definition.map((prefix) => textOf(prefix) ?? '') : undefined;
  const dim = figure('dim', 'dimensions');
  const m = figure('m');
  const efConstruction = figure('ef_construction');
  const metric = attribute.get('distance_metric')?.toLowerCase();
  return {
    // valkey-search says `algorithm: {name: FLAT}`, the Redis Query Engine `algorithm: FLAT`.
    isFlat: (attribute.get('algorithm') ?? attribute.get('name'))?.toUpperCase() === 'FLAT',
    vectors: number('num_docs'),
    isReady:
      number('backfill_in_progress') === 0 && number('mutation_queue_size') === 0 && number('indexing') === 0,
    ...(dim !== undefined && { dim }),
    ...(m !== undefined && { m }),
    ...(efConstruction !== undefined && { efConstruction }),
    ...(metric !== undefined && { metric }),
    ...(prefixes !== undefined && { prefixes }),
  };
}

/** All that is said about one field, at whatever depth: servers nest it differently. Names in lower case. */
function attributeOf(attributes: RespValue | undefined, field: string): Map<string, string> | undefined {
  for (const attribute of isRespArray(attributes) ? attributes : []) {
    const found = new Map<string, string>();
    const visit = (value: RespValue): void => {
      for (const [key, item] of pairsOf(value) ?? []) {
        const text = textOf(item);
        if (text === undefined) visit(item);
        else if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), text);
      }
    };
    visit(attribute);
    if (found.get('identifier') === field || found.get('attribute') === field) return found;
  }
  return undefined;
}

/**
 * For vec-load: makes the index if it is not there, else checks that it is what was asked for.
 * @returns undefined where only the first vector makes it.
 * @throws {LoadError} index-differs
 */
export async function ensureIndex(control: ControlLink, plan: VectorPlan): Promise<IndexState | undefined> {
  const state = await readIndex(control, plan);
  if (state !== undefined) {
    checkIndex(plan, state, true);
    return state;
  }
  if (plan.dialect === 'vector-set') return undefined; // the first VADD makes it
  const { dataset, index, prefix, field, hnswM, efConstruction } = plan;
  const vector: CommandWord[] = ['TYPE', 'FLOAT32', 'DIM', dataset.dim];
  vector.push('DISTANCE_METRIC', dataset.metric.toUpperCase(), 'M', hnswM, 'EF_CONSTRUCTION', efConstruction);
  const schema: CommandWord[] = ['SCHEMA', field, 'VECTOR', 'HNSW', vector.length, ...vector];
  await control.demand(['FT.CREATE', index, 'ON', 'HASH', 'PREFIX', 1, prefix, ...schema]);
  const made = await waitUntilReady(control, plan, 0);
  checkIndex(plan, made, true);
  return made;
}

/**
 * For the other operations: the index must be there, hold vectors, and answer what the ground truth asks.
 * @throws {LoadError} missing-index, empty-index, wrong-dimension, index-differs
 */
export async function requireIndex(control: ControlLink, plan: VectorPlan): Promise<IndexState> {
  const first = await readIndex(control, plan);
  const load = `Load it with: stagewatch load -t vec-load --dataset ${plan.dataset.name} --search-index ${plan.index}`;
  if (first === undefined)
    throw new LoadError(
      'missing-index',
      `There is no index "${plan.index}" on ${addressText(control.address)}. ${load}`,
    );
  checkIndex(plan, first, false);
  const state = await waitUntilReady(control, plan, 0);
  if (state.vectors === 0)
    throw new LoadError('empty-index', `${plan.index} holds no vectors: recall would be 0. ${load}`);
  return state;
}

function checkIndex(plan: VectorPlan, state: IndexState, isMade: boolean): void {
  const { dataset } = plan;
  if (state.dim !== undefined && state.dim !== dataset.dim)
    throw new LoadError(
      'wrong-dimension',
      `${plan.index} holds vectors of ${state.dim} dimensions, the dataset ${dataset.name} has ${dataset.dim}.`,
    );
  const differences: string[] = [];
  const compare = (what: string, found: number | string | undefined, wanted: number | string): void => {
    if (found !== undefined && found !== wanted) differences.push(`${what} ${found}, not ${wanted}`);
  };
  if (plan.dialect === 'search') {
    compare('metric', state.metric, dataset.metric);
    if (state.prefixes && !state.prefixes.includes(plan.prefix))
      differences.push(`prefix ${state.prefixes.join(', ')}, not ${plan.prefix}`);
  }
  if (isMade) {
    compare('M', state.m, plan.hnswM);
    compare('EF_CONSTRUCTION', state.efConstruction, plan.efConstruction);
  }
  if (differences.length > 0)
    throw new LoadError(
      'index-differs',
      `${plan.index} is there already, and it is not what was asked for: ${differences.join('; ')}. Drop it, ask for what it is, or use another --search-index.`,
    );
}

/**
 * Waits until the server says that nothing is left to be indexed, and that `vectors` are in.
 * @throws {LoadError} index-not-ready, when it gets no further for a minute.
 */
export async function waitUntilReady(
  control: ControlLink,
  plan: VectorPlan,
  vectors: number,
  signal?: AbortSignal,
): Promise<IndexState> {
  let movedMs = performance.now();
  let before = '';
  for (;;) {
    const state = await readIndex(control, plan);
    if (state === undefined)
      throw new LoadError('missing-index', `The index "${plan.index}" is gone: somebody dropped it.`);
    if ((state.isReady && state.vectors >= vectors) || signal?.aborted) return state;
    const now = JSON.stringify(state);
    if (now !== before) movedMs = performance.now();
    before = now;
    if (performance.now() - movedMs > STALLED_MS)
      throw new LoadError(
        'index-not-ready',
        `${plan.index} holds ${state.vectors} of ${vectors} vectors, ${state.isReady ? 'and says it is ready' : 'and is not ready'}, for ${STALLED_MS / 1000} s.`,
      );
    await sleep(POLL_MS);
  }
}
