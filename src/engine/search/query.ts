import { CommandError } from '../command-error.ts';
import type { Request } from '../wire/request.ts';
import { parseKnn } from './knn.ts';
import type { SearchIndex } from './search-index.ts';
import type { VectorField } from './vector-field.ts';
import { Words, shown, toInteger } from './words.ts';

export interface ReturnedField {
  readonly name: string;
  readonly as: string;
}

/** FT.SEARCH, checked. */
export interface SearchQuery {
  readonly field: VectorField;
  readonly blob: Uint8Array;
  readonly k: number;
  readonly ef: number;
  readonly scoreAs: string;
  readonly offset: number;
  readonly limit: number;
  readonly noContent: boolean;
  /** Undefined: all fields. */
  readonly returned: readonly ReturnedField[] | undefined;
}

const MAX_EF = 1_000_000;
const DEFAULT_LIMIT = 10;

/** Reads FT.SEARCH behind the index's name. @throws CommandError */
export function parseSearch(request: Request, index: SearchIndex): SearchQuery {
  const words = new Words(request, 2);
  const knn = parseKnn(words.text());
  const params = new Map<string, number>();
  let offset = 0;
  let limit = DEFAULT_LIMIT;
  let noContent = false;
  let returned: ReturnedField[] | undefined;
  while (words.left > 0) {
    const option = words.upper();
    if (option === 'NOCONTENT') noContent = true;
    else if (option === 'LIMIT') {
      offset = words.integer('LIMIT offset', 0, 2 ** 31);
      limit = words.integer('LIMIT count', 0, 2 ** 31);
    } else if (option === 'PARAMS') readParams(words, params);
    else if (option === 'RETURN') {
      returned = readReturn(words);
      if (returned.length === 0) noContent = true;
    } else if (option === 'DIALECT') words.integer('DIALECT', 2, 4);
    else if (option === 'TIMEOUT') words.integer('TIMEOUT', 1, 60_000);
    else if (option !== 'LOCALONLY') throw new CommandError(`Unexpected argument \`${shown(option)}\``);
  }
  const used = new Set<string>();
  const parameter = (text: string): number => {
    const position = params.get(text.slice(1));
    if (position === undefined)
      throw new CommandError(
        `Error parsing vector similarity parameters. Parameter ${shown(text.slice(1))} not found.`,
      );
    used.add(text.slice(1));
    return position;
  };
  const substitute = (text: string): string => (text.startsWith('$') ? request.text(parameter(text)) : text);
  const field = index.vectors.find(({ schema }) => schema.alias === knn.field);
  if (field === undefined)
    throw new CommandError(
      index.schema.fields.some(({ alias }) => alias === knn.field)
        ? `Index field \`${shown(knn.field)}\` is not a Vector index `
        : `Index field \`${shown(knn.field)}\` does not exist`,
    );
  const k = toInteger(substitute(knn.k), 'K', 1, MAX_EF);
  const ef =
    knn.ef === undefined ? field.schema.efRuntime : toInteger(substitute(knn.ef), 'EF_RUNTIME', 1, MAX_EF);
  const scoreAs = knn.scoreAs === undefined ? `__${knn.field}_score` : substitute(knn.scoreAs);
  const blob = knn.blob.startsWith('$')
    ? request.bytes(parameter(knn.blob))
    : Buffer.from(knn.blob, 'latin1');
  for (const name of params.keys())
    if (!used.has(name))
      throw new CommandError(
        `Error parsing vector similarity parameters. Parameter \`${shown(name)}\` not used.`,
      );
  if (blob.length !== field.byteLength)
    throw new CommandError(
      `Error parsing vector similarity query: query vector blob size (${blob.length}) does not match index's expected size (${field.byteLength}).`,
    );
  return { field, blob, k, ef, scoreAs, offset, limit, noContent, returned };
}

function readParams(words: Words, params: Map<string, number>): void {
  const count = words.integer('PARAMS count', 0, 2 ** 20);
  if (count % 2 === 1) throw new CommandError('Parameter count must be an even number.');
  for (let i = 0; i < count; i += 2) {
    const name = words.text();
    if (params.has(name)) throw new CommandError(`Parameter ${shown(name)} is already defined.`);
    params.set(name, words.skip());
  }
}

function readReturn(words: Words): ReturnedField[] {
  const fields: ReturnedField[] = [];
  for (let left = words.integer('RETURN count', 0, 2 ** 20); left > 0; left--) {
    const name = words.text();
    let as = name;
    if (left > 2 && words.take('AS')) {
      as = words.text();
      left -= 2;
    }
    fields.push({ name, as });
  }
  return fields;
}
