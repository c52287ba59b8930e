import { UsageError } from '../../error.ts';
import { checkLimits, MAX_DIM, type DatasetLayout } from './layout.ts';
import { metricOfLegacyCode, type Metric } from './metric.ts';

/** The first bytes of a legacy dataset, little endian. */
export const LEGACY_MAGIC = 0xdecdb001;
export const LEGACY_HEAD_BYTES = 4096;

/** Records begin at multiples of this, bytes. */
const ALIGN = 64n;

/** Byte positions in the head. */
const AT = {
  version: 4,
  name: 8,
  metric: 264,
  dtype: 265,
  dim: 268,
  vectors: 272,
  queries: 280,
  neighbors: 288,
  vectorsOffset: 296,
  queriesOffset: 304,
  truthOffset: 312,
} as const;
const NAME_BYTES = 256;

interface Part {
  readonly what: string;
  readonly offset: bigint;
  readonly bytes: bigint;
}

/**
 * The layout that a legacy head describes.
 * @param head the file's first 4096 bytes. @param fileBytes size of the whole file.
 * @param metric what the user says it is: then the head's code does not matter.
 * @throws {UsageError} dataset-header, dataset-size, dataset-metric, dataset-too-large.
 */
export function layoutOfHead(
  head: Buffer,
  path: string,
  fileBytes: bigint,
  metric: Metric | undefined,
  otherName: string,
): DatasetLayout {
  if (head.length < LEGACY_HEAD_BYTES)
    throw new UsageError(
      'dataset-size',
      `${path}: expected a head of ${LEGACY_HEAD_BYTES} bytes, got ${head.length}: the file is truncated.`,
    );
  const version = head.readUInt32LE(AT.version);
  if (version !== 1 && version !== 2)
    throw new UsageError(
      'dataset-header',
      `${path}: expected version 1 or 2 of the legacy format, got ${version}.`,
    );
  const dtypeCode = head.readUInt8(AT.dtype);
  if (dtypeCode > 1)
    throw new UsageError(
      'dataset-header',
      `${path}: expected dtype 0 (float32) or 1 (float16), got ${dtypeCode}.`,
    );
  const dim = head.readUInt32LE(AT.dim);
  if (dim < 1 || dim > MAX_DIM)
    throw new UsageError('dataset-header', `${path}: expected 1 to ${MAX_DIM} dimensions, got ${dim}.`);

  const vectorBytes = BigInt(dim * (dtypeCode === 0 ? 4 : 2));
  const count = head.readBigUInt64LE(AT.vectors);
  const queryCount = head.readBigUInt64LE(AT.queries);
  const neighbors = head.readUInt32LE(AT.neighbors);
  const vectorsAt = head.readBigUInt64LE(AT.vectorsOffset);
  const queriesAt = head.readBigUInt64LE(AT.queriesOffset);
  const truthAt = head.readBigUInt64LE(AT.truthOffset);
  const padded = ((vectorBytes + ALIGN - 1n) / ALIGN) * ALIGN;
  // One writer of this format does not pad: its sections touch exactly where unpadded records end.
  const packed =
    queryCount > 0n &&
    queriesAt - vectorsAt === count * vectorBytes &&
    truthAt - queriesAt === queryCount * vectorBytes;
  const stride = packed ? vectorBytes : padded;

  const parts: Part[] = [{ what: 'vectors', offset: vectorsAt, bytes: count * stride }];
  if (queryCount > 0n)
    parts.push(
      { what: 'queries', offset: queriesAt, bytes: queryCount * stride },
      { what: 'the ground truth', offset: truthAt, bytes: queryCount * BigInt(neighbors) * 8n },
    );
  checkParts(parts, path, fileBytes);

  const declared = metric === undefined ? metricOfLegacyCode(head.readUInt8(AT.metric)) : undefined;
  const name = head.subarray(AT.name, AT.name + NAME_BYTES);
  const end = name.indexOf(0);
  return checkLimits(
    {
      name: name.toString('utf8', 0, end < 0 ? NAME_BYTES : end) || otherName,
      format: 'legacy',
      fieldName: 'embedding',
      dim,
      dtype: dtypeCode === 0 ? 'f32' : 'f16',
      metric: metric ?? declared!.metric,
      metricOrigin: declared?.origin ?? { state: 'overridden' },
      vectors: { offset: Number(vectorsAt), stride: Number(stride), count: Number(count) },
      queries: {
        offset: queryCount > 0n ? Number(queriesAt) : 0,
        stride: Number(stride),
        count: Number(queryCount),
      },
      groundTruth: {
        offset: queryCount > 0n ? Number(truthAt) : 0,
        idBytes: 8,
        neighbors: queryCount > 0n ? neighbors : 0,
      },
      keys: { state: 'none' },
    },
    path,
  );
}

/** Each part lies behind the head and inside the file, and none in another. */
function checkParts(parts: readonly Part[], path: string, fileBytes: bigint): void {
  for (const { what, offset, bytes } of parts) {
    if (offset < BigInt(LEGACY_HEAD_BYTES))
      throw new UsageError('dataset-header', `${path}: ${what} begin at byte ${offset}, inside the head.`);
    if (offset + bytes > fileBytes)
      throw new UsageError(
        'dataset-size',
        `${path}: its head says that ${what} take bytes ${offset} to ${offset + bytes}, but the file has ${fileBytes}. The file is truncated, or the head is wrong.`,
      );
    const other = parts.find(
      (part) => part.what !== what && part.offset < offset + bytes && offset < part.offset + part.bytes,
    );
    if (other)
      throw new UsageError('dataset-header', `${path}: its head lets ${what} and ${other.what} overlap.`);
  }
}
