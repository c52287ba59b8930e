import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that goes with the test. */
export class TemporaryFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'stagewatch-dataset-'));

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const floats = (...numbers: number[]): Buffer => Buffer.from(Float32Array.from(numbers).buffer);
export const ids = (...numbers: number[]): Buffer =>
  Buffer.from(BigUint64Array.from(numbers.map(BigInt)).buffer);

export interface SchemaOptions {
  readonly fields?: string;
  readonly count?: number;
  readonly queries?: string;
  readonly truth?: string;
  readonly keys?: string;
  readonly metric?: string;
}

/** A schema of 3 vectors of 2 numbers, 1 query, 2 neighbours; each part may be another. */
export function schemaText(options: SchemaOptions = {}): string {
  return `version: 1
metadata: { name: tiny }
record:
  fields: ${options.fields ?? '[{ name: v, type: vector, dtype: float32, dimensions: 2 }]'}
sections:
  records: { count: ${options.count ?? 3} }
  keys: ${options.keys ?? '{ present: false }'}
  queries: ${options.queries ?? '{ present: true, count: 1, query_fields: [v] }'}
  ground_truth: ${options.truth ?? '{ present: true, neighbors_per_query: 2 }'}
field_metadata: { v: { distance_metric: ${options.metric ?? 'l2'} } }
`;
}

/** The file of that schema: (0,0), (1,0), (0,3); the query (0.9,0); nearest 1, then 0. */
export const schemaData = Buffer.concat([floats(0, 0, 1, 0, 0, 3), floats(0.9, 0), ids(1, 0)]);

export interface LegacyOptions {
  readonly metricCode?: number;
  readonly half?: boolean;
  readonly packed?: boolean;
}

/** A legacy file: vectors and queries as rows, the ground truth as ids. */
export function legacyFile(
  vectors: readonly (readonly number[])[],
  queries: readonly (readonly number[])[],
  truth: readonly (readonly number[])[],
  options: LegacyOptions = {},
): Buffer {
  const dim = vectors[0]!.length;
  const width = dim * (options.half ? 2 : 4);
  const stride = options.packed ? width : Math.ceil(width / 64) * 64;
  const records = (rows: readonly (readonly number[])[]): Buffer => {
    const all = Buffer.alloc(rows.length * stride);
    rows.forEach((row, i) => {
      const bytes = options.half
        ? Buffer.from(Uint16Array.from(row.map(halfBits)).buffer)
        : Buffer.from(Float32Array.from(row).buffer);
      bytes.copy(all, i * stride);
    });
    return all;
  };
  const head = Buffer.alloc(4096);
  head.writeUInt32LE(0xdecdb001, 0);
  head.writeUInt32LE(1, 4);
  head.write('old-set', 8);
  head.writeUInt8(options.metricCode ?? 0, 264);
  head.writeUInt8(options.half ? 1 : 0, 265);
  head.writeUInt32LE(dim, 268);
  head.writeBigUInt64LE(BigInt(vectors.length), 272);
  head.writeBigUInt64LE(BigInt(queries.length), 280);
  head.writeUInt32LE(truth[0]?.length ?? 0, 288);
  const queriesAt = 4096 + vectors.length * stride;
  head.writeBigUInt64LE(4096n, 296);
  head.writeBigUInt64LE(BigInt(queriesAt), 304);
  head.writeBigUInt64LE(BigInt(queriesAt + queries.length * stride), 312);
  return Buffer.concat([head, records(vectors), records(queries), ids(...truth.flat())]);
}

/** Of whole numbers from 0 to 2048, and their negatives: exact. */
function halfBits(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.abs(value) / 2 ** exponent - 1;
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | (fraction * 1024);
}
