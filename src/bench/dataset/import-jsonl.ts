import { createReadStream } from 'node:fs';
import { UsageError } from '../../error.ts';
import { expectShape, rowsPerBatch, type Rows } from './import-source.ts';
import { sizeOfFile } from './matrix-file.ts';

/** A vector of a million numbers as text; a longer line is no vector. */
const MAX_LINE = 32 << 20;

/** Fields that vectors are commonly found in. */
const FIELDS = ['vector', 'embedding', 'values'] as const;

/**
 * Opens JSON lines: each line an array of numbers, or an object with one in `vector`, `embedding` or `values`.
 * The file is read once to count and check its lines, so that nothing is written of a bad one.
 * @param field the name of another field. @throws {UsageError} import-json, import-shape.
 */
export async function openJsonLines(path: string, field?: string): Promise<Rows> {
  await sizeOfFile(path);
  let dim = 0;
  let rows = 0;
  for await (const { numbers, line } of readVectors(path, field)) {
    if (rows++ === 0) dim = numbers.length;
    if (numbers.length !== dim)
      throw bad(path, line, `it has ${numbers.length} numbers, and the first vector has ${dim}`);
  }
  if (rows === 0) throw new UsageError('import-json', `${path}: expected a vector on each line, found none.`);
  expectShape(path, rows, dim);
  return {
    rows,
    dim,
    notes: [],
    batches: () => batches(path, field, dim),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function* batches(path: string, field: string | undefined, dim: number): AsyncGenerator<Float32Array> {
  const size = rowsPerBatch(dim);
  let batch = new Float32Array(size * dim);
  let filled = 0;
  for await (const { numbers, line } of readVectors(path, field)) {
    if (numbers.length !== dim) throw bad(path, line, 'the file has changed since it was counted');
    batch.set(numbers, filled * dim);
    if (++filled < size) continue;
    yield batch;
    batch = new Float32Array(size * dim);
    filled = 0;
  }
  if (filled > 0) yield batch.subarray(0, filled * dim);
}

async function* readVectors(
  path: string,
  field: string | undefined,
): AsyncGenerator<{ numbers: number[]; line: number }> {
  let line = 0;
  for await (const text of readLines(path)) {
    line++;
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw bad(path, line, 'it is no JSON');
    }
    yield { numbers: numbersOf(value, field, path, line), line };
  }
}

function numbersOf(value: unknown, field: string | undefined, path: string, line: number): number[] {
  const found = Array.isArray(value) ? value : fieldOf(value, field);
  if (!Array.isArray(found))
    throw bad(path, line, `it has no array in ${field ?? FIELDS.join(', ')}; name the field with --field`);
  if (found.length === 0 || !found.every((x) => typeof x === 'number' && Number.isFinite(Math.fround(x))))
    throw bad(path, line, 'its array does not hold finite numbers of float32');
  return found as number[];
}

function fieldOf(value: unknown, field: string | undefined): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const name of field === undefined ? FIELDS : [field])
    if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  return undefined;
}

/** Lines of bounded length: node:readline would hold a file without a line end in memory. */
async function* readLines(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 });
  let rest = '';
  let line = 1;
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    line += lines.length;
    if (rest.length > MAX_LINE) throw bad(path, line, `it is longer than ${MAX_LINE} characters`);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function bad(path: string, line: number, what: string): UsageError {
  return new UsageError('import-json', `${path}: expected a vector on line ${line}, but ${what}.`);
}
