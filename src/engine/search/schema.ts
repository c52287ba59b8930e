import { CommandError } from '../command-error.ts';
import type { HnswSettings, Metric } from '../vector/vector-index.ts';
import type { Request } from '../wire/request.ts';
import { Words, shown } from './words.ts';

export interface VectorFieldSchema extends HnswSettings {
  readonly kind: 'vector';
  readonly name: string;
  readonly alias: string;
  readonly algorithm: 'HNSW' | 'FLAT';
  /** Of searches without EF_RUNTIME. */
  readonly efRuntime: number;
}

/** Declared, shown in FT.INFO, returned, and not searched. */
export interface PlainFieldSchema {
  readonly kind: 'TAG' | 'NUMERIC';
  readonly name: string;
  readonly alias: string;
}

export interface IndexSchema {
  readonly name: string;
  /** No key has none of them; '' stands for all keys. */
  readonly prefixes: readonly string[];
  readonly fields: readonly (VectorFieldSchema | PlainFieldSchema)[];
}

const LIMITS = { prefixes: 16, fields: 50, dimensions: 32768, m: 512, efConstruction: 4096, ef: 1_000_000 };

/** Reads FT.CREATE. @throws CommandError */
export function parseCreate(request: Request): IndexSchema {
  const words = new Words(request, 1);
  const name = words.text();
  if (words.take('ON') && words.upper() !== 'HASH')
    throw new CommandError('Invalid argument: only indexes ON HASH are supported');
  const prefixes: string[] = [];
  if (words.take('PREFIX'))
    for (let left = words.integer('PREFIX count', 0, LIMITS.prefixes); left > 0; left--)
      prefixes.push(words.text());
  if (words.take('SCORE')) words.skip();
  if (words.take('LANGUAGE')) words.skip();
  if (!words.take('SCHEMA'))
    throw new CommandError(
      words.left === 0
        ? 'Missing `SCHEMA` argument'
        : `Unexpected argument \`${shown(words.text())}\`, expecting \`SCHEMA\``,
    );
  const fields: (VectorFieldSchema | PlainFieldSchema)[] = [];
  while (words.left > 0) {
    const field = parseField(words);
    if (fields.some(({ alias }) => alias === field.alias))
      throw new CommandError(`Duplicate field in schema - ${shown(field.alias)}`);
    if (fields.push(field) > LIMITS.fields)
      throw new CommandError(`The maximum number of attributes (${LIMITS.fields}) is exceeded`);
  }
  if (fields.length === 0) throw new CommandError('At least one schema argument is required');
  return { name, prefixes: prefixes.length > 0 ? prefixes : [''], fields };
}

function parseField(words: Words): VectorFieldSchema | PlainFieldSchema {
  const name = words.text();
  const alias = words.take('AS') ? words.text() : name;
  const type = words.upper();
  if (type === 'VECTOR') return { kind: 'vector', name, alias, ...parseVector(words) };
  if (type !== 'TAG' && type !== 'NUMERIC')
    throw new CommandError(
      `Invalid field type for field \`${shown(name)}\`: expected VECTOR, TAG or NUMERIC, got \`${shown(type)}\``,
    );
  if (words.take('SEPARATOR')) words.skip();
  while (words.take('CASESENSITIVE') || words.take('SORTABLE') || words.take('NOINDEX'));
  return { kind: type, name, alias };
}

function parseVector(words: Words): Omit<VectorFieldSchema, 'kind' | 'name' | 'alias'> {
  const algorithm = words.upper();
  if (algorithm !== 'HNSW' && algorithm !== 'FLAT')
    throw new CommandError(`Invalid vector algorithm: expected HNSW or FLAT, got \`${shown(algorithm)}\``);
  const count = words.integer(`number of parameters for ${algorithm}`, 0, 64);
  if (count > words.left)
    throw new CommandError(`Expected ${count} parameters for ${algorithm} but got ${words.left} parameters.`);
  const end = words.left - count;
  let dimensions = 0;
  let metric: Metric | undefined;
  let isTyped = false;
  let m = 16;
  let efConstruction = 200;
  let efRuntime = 10;
  while (words.left > end) {
    const parameter = words.upper();
    if (parameter === 'TYPE') {
      if (words.upper() !== 'FLOAT32') throw new CommandError('Invalid vector TYPE: expected FLOAT32');
      isTyped = true;
    } else if (parameter === 'DIM') dimensions = words.integer('DIM', 1, LIMITS.dimensions);
    else if (parameter === 'DISTANCE_METRIC') metric = toMetric(words.upper());
    else if (parameter === 'M' && algorithm === 'HNSW') m = words.integer('M', 2, LIMITS.m);
    else if (parameter === 'EF_CONSTRUCTION' && algorithm === 'HNSW')
      efConstruction = words.integer('EF_CONSTRUCTION', 1, LIMITS.efConstruction);
    else if (parameter === 'EF_RUNTIME' && algorithm === 'HNSW')
      efRuntime = words.integer('EF_RUNTIME', 1, LIMITS.ef);
    else if (parameter === 'INITIAL_CAP' || (parameter === 'BLOCK_SIZE' && algorithm === 'FLAT'))
      words.integer(parameter, 0, 2 ** 32);
    else throw new CommandError(`Unexpected argument \`${shown(parameter)}\``);
  }
  if (words.left < end)
    throw new CommandError(`Expected ${count} parameters for ${algorithm}: the last has no value`);
  if (dimensions === 0) throw new CommandError('Missing DIM parameter');
  if (!isTyped) throw new CommandError('Missing TYPE parameter');
  if (metric === undefined) throw new CommandError('Missing DISTANCE_METRIC parameter');
  return { algorithm, dimensions, metric, m, efConstruction, efRuntime };
}

function toMetric(text: string): Metric {
  if (text === 'L2' || text === 'IP' || text === 'COSINE') return text;
  throw new CommandError(`Invalid DISTANCE_METRIC: expected L2, IP or COSINE, got \`${shown(text)}\``);
}
