import { fstatSync, readSync } from 'node:fs';
import { dataOffsetAt, dataSizeAt, headerBytes, magic } from './perf-data.ts';

/**
 * Where things stand in a perf.data and in its samples, where those are all alike: as the kernel's
 * tools/perf/Documentation/perf.data-file-format.txt and include/uapi/linux/perf_event.h have it. Offsets in bytes.
 */
export interface SampleLayout {
  readonly fileBytes: number;
  readonly dataFrom: number;
  readonly dataEnd: number;
  /** How many tables of features follow the data. */
  readonly features: number;
  /** In a sample, from its beginning. */
  readonly pidAt: number;
  readonly timeAt: number;
  readonly chainAt: number;
  /** In a record that is no sample: the time, from its end. */
  readonly timeBeforeEnd: number;
  /** Where several events were recorded: those of the first, since weights of different kinds do not add up. */
  readonly only: { readonly idAt: number; readonly ids: ReadonlySet<number> } | undefined;
}

const bit = {
  ip: 1,
  tid: 1 << 1,
  time: 1 << 2,
  addr: 1 << 3,
  read: 1 << 4,
  callchain: 1 << 5,
  id: 1 << 6,
  cpu: 1 << 7,
  period: 1 << 8,
  streamId: 1 << 9,
  branchStack: 1 << 11,
  registers: 1 << 12,
  userStack: 1 << 13,
  identifier: 1 << 16,
} as const;

/** Frames that perf itself works out of copied stacks or branches: which address is which frame cannot be told then. */
const unwound = bit.branchStack | bit.registers | bit.userStack;
const flagSampleIdAll = 1 << 18;
const softwareType = 1;
const dummyConfig = 9;
const maximumEvents = 10_000;

interface Attribute {
  readonly isDummy: boolean;
  readonly sampleType: number;
  readonly sampleIdAll: boolean;
  readonly idsAt: number;
  readonly idsBytes: number;
}

/** @returns undefined for a perf.data of another kind, or none. */
export function readSampleLayout(file: number): SampleLayout | undefined {
  const fileBytes = fstatSync(file).size;
  const header = readAt(file, 0, headerBytes);
  if (header === undefined || header.toString('latin1', 0, 8) !== magic) return undefined;
  const dataFrom = Number(header.readBigUInt64LE(dataOffsetAt));
  const dataEnd = dataFrom + Number(header.readBigUInt64LE(dataSizeAt));
  const attributes = readAttributes(file, header);
  const [first] = attributes.filter(({ isDummy }) => !isDummy);
  // Offsets are counted in words of 8 bytes.
  if (first === undefined || dataEnd > fileBytes || dataEnd === dataFrom || dataFrom % 8 !== 0)
    return undefined;
  const { sampleType } = first;
  const needed = bit.tid | bit.time | bit.callchain;
  const isUsual = (sampleType & needed) === needed && (sampleType & (bit.read | unwound)) === 0;
  const areAlike = attributes.every((one) => one.sampleType === sampleType && one.sampleIdAll);
  if (!isUsual || !areAlike) return undefined;
  const has = (flag: number): number => ((sampleType & flag) === 0 ? 0 : 8);
  const pidAt = 8 + has(bit.identifier) + has(bit.ip);
  const timeAt = pidAt + 8;
  const only = readOnly(file, attributes, first, has(bit.identifier) > 0 ? 8 : timeAt + 8 + has(bit.addr));
  if (only === 'unknown') return undefined;
  const chainAt =
    timeAt + 8 + has(bit.addr) + has(bit.id) + has(bit.streamId) + has(bit.cpu) + has(bit.period);
  const timeBeforeEnd = 8 + has(bit.id) + has(bit.streamId) + has(bit.cpu) + has(bit.identifier);
  let features = 0;
  for (let at = 72; at < headerBytes; at++)
    for (let byte = header[at] as number; byte !== 0; byte &= byte - 1) features++;
  return { fileBytes, dataFrom, dataEnd, features, pidAt, timeAt, chainAt, timeBeforeEnd, only };
}

function readAttributes(file: number, header: Buffer): Attribute[] {
  const entryBytes = Number(header.readBigUInt64LE(16));
  const at = Number(header.readBigUInt64LE(24));
  const bytes = Number(header.readBigUInt64LE(32));
  const section = bytes / entryBytes <= maximumEvents && entryBytes >= 64 && readAt(file, at, bytes);
  if (!section) return [];
  const attributes: Attribute[] = [];
  for (let entry = 0; entry + entryBytes <= bytes; entry += entryBytes)
    attributes.push({
      isDummy:
        section.readUInt32LE(entry) === softwareType &&
        section.readBigUInt64LE(entry + 8) === BigInt(dummyConfig),
      sampleType: Number(section.readBigUInt64LE(entry + 24)),
      sampleIdAll: (section.readUInt32LE(entry + 40) & flagSampleIdAll) !== 0,
      idsAt: Number(section.readBigUInt64LE(entry + entryBytes - 16)),
      idsBytes: Number(section.readBigUInt64LE(entry + entryBytes - 8)),
    });
  return attributes;
}

function readOnly(
  file: number,
  attributes: readonly Attribute[],
  { sampleType, idsAt, idsBytes }: Attribute,
  idAt: number,
): SampleLayout['only'] | 'unknown' {
  if (attributes.filter(({ isDummy }) => !isDummy).length < 2) return undefined;
  const hasId = (sampleType & (bit.identifier | bit.id)) !== 0;
  const section = hasId && idsBytes < 1 << 20 && readAt(file, idsAt, idsBytes);
  if (!section) return 'unknown';
  const ids = new Set<number>();
  for (let at = 0; at + 8 <= idsBytes; at += 8) ids.add(Number(section.readBigUInt64LE(at)));
  return { idAt, ids };
}

/** @returns undefined where the file ends before. */
function readAt(file: number, offset: number, bytes: number): Buffer | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
  const buffer = Buffer.alloc(bytes);
  return readSync(file, buffer, 0, bytes, offset) === bytes ? buffer : undefined;
}
