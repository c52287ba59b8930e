import { CommandError } from '../command-error.ts';
import { shown } from './words.ts';

/** What stands in `*=>[KNN k @field $blob EF_RUNTIME ef AS score]`; values that begin with $ stand in PARAMS. */
export interface KnnQuery {
  readonly field: string;
  readonly k: string;
  readonly blob: string;
  readonly ef: string | undefined;
  /** The name of the distance in replies. */
  readonly scoreAs: string | undefined;
}

/** Benchmarks send the same text a million times. */
const KEEP = 256;
const parsed = new Map<string, KnnQuery>();

/** @throws CommandError */
export function parseKnn(query: string): KnnQuery {
  const known = parsed.get(query);
  if (known) return known;
  const knn = parse(query);
  if (parsed.size >= KEEP) parsed.clear();
  parsed.set(query, knn);
  return knn;
}

function parse(query: string): KnnQuery {
  const arrow = query.indexOf('=>');
  if (arrow < 0) throw new CommandError('Invalid filter format. Missing `=>`');
  const filter = query.slice(0, arrow).trim();
  if (filter !== '*' && filter !== '(*)')
    throw new CommandError(
      `Invalid filter expression: \`${shown(filter)}\`. This engine searches all vectors: expected \`*\``,
    );
  const clause = query.slice(arrow + 2).trim();
  const fail = (why: string): CommandError =>
    new CommandError(`Error parsing vector similarity parameters: \`${shown(clause)}\`. ${why}`);
  if (clause === '') throw fail('Vector query clause is missing');
  if (!clause.startsWith('[')) throw fail(`Expecting '[' got '${clause[0]}'`);
  if (!clause.endsWith(']')) throw fail(`Expecting ']' got '${clause.at(-1)}'`);
  const [keyword, k, field, blob, ...options] = clause.slice(1, -1).split(' ').filter(Boolean);
  if (keyword === undefined) throw fail('Missing parameters');
  if (keyword.toUpperCase() !== 'KNN') throw fail(`\`${shown(keyword)}\`. Expecting \`KNN\``);
  if (k === undefined) throw fail('KNN argument is missing');
  if (field === undefined) throw fail('Vector field argument is missing');
  if (!field.startsWith('@') || field.length === 1)
    throw fail(`Unexpected argument \`${shown(field)}\`. Expecting a vector field name, starting with '@'`);
  if (blob === undefined) throw fail('Blob attribute argument is missing');
  let ef: string | undefined;
  let scoreAs: string | undefined;
  for (let i = 0; i < options.length; i += 2) {
    const name = options[i]!.toUpperCase();
    if (name !== 'EF_RUNTIME' && name !== 'AS') throw fail(`Unexpected argument \`${shown(options[i]!)}\``);
    const value = options[i + 1];
    if (value === undefined) throw fail(`${name} argument is missing`);
    if (name === 'AS') scoreAs = value;
    else ef = value;
  }
  return { field: field.slice(1), k, blob, ef, scoreAs };
}
