import { NUMBER_DIGITS } from './request-template.ts';
import type { VectorPlan } from './vector-plan.ts';

/** Where a record's number goes: 12 digits. */
const ID = Symbol('id');
/** Where a vector goes: dim x float32, little endian. */
const VECTOR = Symbol('vector');

type Word = readonly (string | typeof ID | typeof VECTOR)[];

/** One request in wire form, of fixed length, and where its number and its vector go. */
export interface VectorRequest {
  readonly bytes: Buffer;
  readonly idAt?: number;
  readonly vectorAt?: number;
}

/** The wire commands of both dialects, as FORMATS of vector benchmarks have them. */
export function vectorRequest(plan: VectorPlan): VectorRequest {
  return layOut(
    plan.dialect === 'search' ? searchCommand(plan) : vectorSetCommand(plan),
    plan.dataset.dim * Float32Array.BYTES_PER_ELEMENT,
  );
}

function searchCommand(plan: VectorPlan): Word[] {
  const { index, prefix, field, k, efSearch, content } = plan;
  const key: Word = [prefix, ID];
  if (plan.operation === 'vec-delete') return [['DEL'], key];
  if (plan.operation !== 'vec-query') return [['HSET'], key, [field], [VECTOR]];
  const ef = efSearch === undefined ? '' : ` EF_RUNTIME ${efSearch}`;
  const query = `*=>[KNN ${k} @${field} $BLOB${ef}]`;
  return [
    ...words('FT.SEARCH', index, query, 'PARAMS', '2', 'BLOB'),
    [VECTOR],
    ...words(...(content ? [] : ['NOCONTENT']), 'LIMIT', '0', String(k), 'DIALECT', '2'),
  ];
}

function vectorSetCommand(plan: VectorPlan): Word[] {
  const { index, k, efSearch, hnswM, efConstruction } = plan;
  if (plan.operation === 'vec-delete') return [...words('VREM', index), [ID]];
  if (plan.operation !== 'vec-query')
    return [
      ...words('VADD', index, 'FP32'),
      [VECTOR],
      [ID],
      ...words('NOQUANT', 'M', String(hnswM), 'EF', String(efConstruction)),
    ];
  return [
    ...words('VSIM', index, 'FP32'),
    [VECTOR],
    ...words('COUNT', String(k)),
    ...(efSearch === undefined ? [] : words('EF', String(efSearch))),
  ];
}

function words(...texts: string[]): Word[] {
  return texts.map((text) => [text]);
}

function layOut(command: readonly Word[], vectorBytes: number): VectorRequest {
  const parts: Buffer[] = [Buffer.from(`*${command.length}\r\n`)];
  let length = parts[0]!.length;
  const places: { idAt?: number; vectorAt?: number } = {};
  const add = (bytes: Buffer): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  for (const word of command) {
    const pieces = word.map((piece) =>
      piece === ID
        ? Buffer.alloc(NUMBER_DIGITS, '0')
        : piece === VECTOR
          ? Buffer.alloc(vectorBytes)
          : Buffer.from(piece),
    );
    add(Buffer.from(`$${pieces.reduce((sum, piece) => sum + piece.length, 0)}\r\n`));
    for (const [i, bytes] of pieces.entries()) {
      if (word[i] === ID) places.idAt = length;
      if (word[i] === VECTOR) places.vectorAt = length;
      add(bytes);
    }
    add(Buffer.from('\r\n'));
  }
  return { bytes: Buffer.concat(parts), ...places };
}

/** The record's number at the end of a key; -1 when it does not end with digits: it counts as no hit. */
export function idOfKey(key: Uint8Array): number {
  let value = 0;
  let scale = 1;
  let at = key.length - 1;
  for (; at >= 0 && scale <= 1e15; at--) {
    const digit = key[at]! - 48;
    if (digit < 0 || digit > 9) break;
    value += digit * scale;
    scale *= 10;
  }
  return at === key.length - 1 ? -1 : value;
}
