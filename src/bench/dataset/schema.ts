import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf, UsageError } from '../../error.ts';
import { checkLimits, MAX_DIM, type DatasetLayout, type KeysLayout } from './layout.ts';
import { metricOf } from './metric.ts';

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const bytes = z
  .number()
  .int()
  .positive()
  .max(1 << 30);

const dtypes = {
  float32: 4,
  float16: 2,
  float64: 8,
  int32: 4,
  int64: 8,
  uint32: 4,
  u32: 4,
  uint64: 8,
  u64: 8,
  uint8: 1,
  int8: 1,
} as const;
const dtype = z.enum(Object.keys(dtypes) as (keyof typeof dtypes)[]);
const lengthKind = z.enum(['fixed', 'variable']);

/** A field that says no size has the size that valkey-bench-rs gives it. */
const textField = { length: lengthKind.default('fixed'), max_bytes: bytes.default(64) };
const field = z.discriminatedUnion('type', [
  z.object({
    name: z.string(),
    type: z.literal('vector'),
    dtype: dtype.default('float32'),
    dimensions: z.number().int().min(1).max(MAX_DIM),
  }),
  z.object({ name: z.string(), type: z.literal('numeric'), dtype: dtype.default('float64') }),
  z.object({ name: z.string(), type: z.enum(['text', 'tag', 'blob']), ...textField }),
]);
type Field = z.infer<typeof field>;

const schema = z.object({
  version: z.literal(1),
  metadata: z.object({ name: z.string().optional() }).default({}),
  record: z.object({ fields: z.array(field).min(1).max(1_000) }),
  sections: z.object({
    records: z.object({ count }),
    keys: z
      .object({ present: z.boolean().default(false), pattern: z.string().optional(), ...textField })
      .prefault({}),
    queries: z
      .object({
        present: z.boolean().default(false),
        count: count.optional(),
        query_fields: z.array(z.string()).min(1).optional(),
      })
      .prefault({}),
    ground_truth: z
      .object({
        present: z.boolean().default(false),
        neighbors_per_query: z
          .number()
          .int()
          .positive()
          .max(2 ** 32)
          .optional(),
        id_type: z.enum(['u32', 'u64']).default('u64'),
      })
      .prefault({}),
  }),
  field_metadata: z
    .record(z.string(), z.object({ distance_metric: z.string().optional() }).nullish())
    .default({}),
});
type Schema = z.infer<typeof schema>;

/**
 * The layout that a schema describes. Offsets follow from the counts alone, so a file of any other size means that
 * every section behind the first would be read from the wrong place.
 * @param path of the YAML file: for messages. @param fileBytes size of the file beside it.
 * @throws {UsageError} dataset-schema, dataset-size, dataset-unsupported, dataset-too-large.
 */
export function layoutOfSchema(
  text: string,
  path: string,
  fileBytes: bigint,
  otherName: string,
): DatasetLayout {
  const parsed = parse(text, path);
  const { fields } = parsed.record;
  const vectorField = fields.find((field) => field.type === 'vector');
  if (!vectorField) throw bad(path, 'expected a field of type vector in record.fields, found none');
  if (vectorField.dtype !== 'float32' && vectorField.dtype !== 'float16')
    throw new UsageError(
      'dataset-unsupported',
      `${path}: expected vectors of float32 or float16, got ${vectorField.dtype}.`,
    );
  const { records, queries, keys, ground_truth } = parsed.sections;
  const queryCount = queries.present ? queries.count : 0;
  if (queryCount === undefined) throw bad(path, 'queries are present, but sections.queries.count is missing');
  const queryFields = (queries.query_fields ?? fields.map(({ name }) => name)).map((name) => {
    const found = fields.find((field) => field.name === name);
    if (!found) throw bad(path, `query_fields names "${name}", which is no field of the record`);
    return found;
  });
  if (queryCount > 0 && !queryFields.includes(vectorField))
    throw bad(path, `query_fields has to name the vector field "${vectorField.name}"`);
  const neighbors = ground_truth.present ? ground_truth.neighbors_per_query : 0;
  if (neighbors === undefined)
    throw bad(path, 'the ground truth is present, but its neighbors_per_query is missing');

  const recordBytes = sizeOfAll(fields);
  const keyBytes = keys.present ? sizeOfText(keys) : 0;
  const queryBytes = sizeOfAll(queryFields);
  const idBytes = ground_truth.id_type === 'u32' ? 4 : 8;
  const keysAt = product(records.count, recordBytes);
  const queriesAt = keysAt + product(records.count, keyBytes);
  const truthAt = queriesAt + product(queryCount, queryBytes);
  const total = truthAt + product(queryCount, neighbors, idBytes);
  if (total !== fileBytes)
    throw new UsageError(
      'dataset-size',
      `${path}: its counts make ${total} bytes (${records.count} records of ${recordBytes}, ${queryCount} queries of ${queryBytes}, ${neighbors} neighbours each), but ${fileBytes} are in the file beside it. ${total > fileBytes ? 'The file is truncated, or a count is wrong.' : 'A count is wrong, or the file belongs to another schema.'}`,
    );

  const declared = parsed.field_metadata[vectorField.name]?.distance_metric;
  const metric = declared === undefined ? 'l2' : metricOf(declared);
  if (metric === undefined)
    throw bad(path, `expected distance_metric to be l2, ip or cosine, got "${declared}"`);
  const keysLayout: KeysLayout = keys.present
    ? {
        state: 'stored',
        offset: Number(keysAt),
        entryBytes: keyBytes,
        lengthPrefix: keys.length === 'variable',
      }
    : keys.pattern === undefined
      ? { state: 'none' }
      : { state: 'pattern', pattern: keys.pattern };
  return checkLimits(
    {
      name: parsed.metadata.name ?? otherName,
      format: 'schema',
      fieldName: vectorField.name,
      dim: vectorField.dimensions,
      dtype: vectorField.dtype === 'float32' ? 'f32' : 'f16',
      metric,
      metricOrigin: { state: declared === undefined ? 'assumed' : 'declared' },
      vectors: { offset: offsetIn(fields, vectorField), stride: recordBytes, count: records.count },
      queries: {
        offset: Number(queriesAt) + (queryCount > 0 ? offsetIn(queryFields, vectorField) : 0),
        stride: queryBytes,
        count: queryCount,
      },
      groundTruth: { offset: Number(truthAt), idBytes, neighbors: queryCount > 0 ? neighbors : 0 },
      keys: keysLayout,
    },
    path,
  );
}

function parse(text: string, path: string): Schema {
  let given: unknown;
  try {
    const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: true });
    const [error] = document.errors;
    if (error) throw error;
    given = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // Also a stack that nesting has used up: that is a RangeError.
    throw bad(path, `expected YAML, got ${messageOf(cause).split('\n', 1)[0]}`, cause);
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = issue.path.join('.') || 'the schema';
  const what = issue.message.replace(/^Invalid input: /, '').replace(/received undefined$/, 'found nothing');
  throw bad(path, `${where}: ${what}`, result.error);
}

function bad(path: string, what: string, cause?: unknown): UsageError {
  return new UsageError('dataset-schema', `${path}: ${what}.`, { cause });
}

function sizeOf(field: Field): number {
  if (field.type === 'vector') return field.dimensions * dtypes[field.dtype];
  return field.type === 'numeric' ? dtypes[field.dtype] : sizeOfText(field);
}

function sizeOfText({ length, max_bytes }: { length: 'fixed' | 'variable'; max_bytes: number }): number {
  return max_bytes + (length === 'variable' ? 4 : 0);
}

function sizeOfAll(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + sizeOf(field), 0);
}

function offsetIn(fields: readonly Field[], wanted: Field): number {
  return sizeOfAll(fields.slice(0, fields.indexOf(wanted)));
}

/** Exact: a header's counts may be anything. */
function product(...factors: number[]): bigint {
  return factors.reduce((all, factor) => all * BigInt(factor), 1n);
}
